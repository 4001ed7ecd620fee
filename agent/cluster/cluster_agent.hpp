#pragma once
// The agent as a pod of a DaemonSet: it waits for runs and serves one after the other, for as long as its node lives.

#include <chrono>
#include <cstdint>
#include <string>

#include "agent/session/transport.hpp"
#include "common/result.hpp"

namespace conntruth::agent {

struct ClusterOptions {
  std::string node;                                 // as the cluster calls it
  std::string namespace_name = "conntruth-system";  // of the install: the controller's Lease, the anchors' pods
  std::string api_server;                           // URL; "": found as described in kube/direct.hpp
  std::string kubeconfig;                           // "": the pod's service account
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::string state_directory = "/run/conntruth";  // health, and where the API server was found
  session::TransportSecurity security;
  std::uint32_t budget = 100'000;          // probes per second
  std::uint32_t awaited = 256;             // answers that a place awaits at a time, 8..256
  std::chrono::seconds give_up_after{60};  // on a session without a word of its controller
};

// Returns on SIGTERM or SIGINT, or with why it can never do its work (a capability, a file, a bad URL). All else is
// logged and tried again: API servers and controllers come and go.
[[nodiscard]] Status run_in_cluster(const ClusterOptions& options);

}  // namespace conntruth::agent
