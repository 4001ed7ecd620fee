#pragma once
// The agent's wiring: session, engine and responders of one node. Program: conntruth-agent.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "agent/node_worker.hpp"
#include "agent/session/transport.hpp"
#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::agent {

struct AppOptions {
  std::string node;                             // its name in the run
  std::string controller;                       // gRPC target: "unix:/path" or "HOST:PORT"
  std::map<NamespaceName, std::string> places;  // pods of this node: name → path of the network namespace
  std::uint32_t budget = 100'000;               // probes per second
  std::uint32_t awaited = 256;                  // answers that a place awaits at a time, 8..256
  std::chrono::seconds give_up_after{60};       // without a word of the controller
  session::TransportSecurity security;          // of a HOST:PORT target
  std::string dataplane;  // what serves this node's Services (common/model/dataplane.hpp); "" unknown
  FindPlace find{};       // pods that come during the run; empty: none do
};

// Reads "NAME=PATH".
[[nodiscard]] Status add_place(const std::string& text, std::map<NamespaceName, std::string>& places);
// Returns when the controller or SIGTERM ends it, or with why it could not go on.
[[nodiscard]] Status run(const AppOptions& options);

}  // namespace conntruth::agent
