#pragma once
// One call of the plug-in. Threading: single-threaded program; blocks until `host-local` and `ip` have ended.

#include <functional>
#include <string>

#include "common/result.hpp"

namespace conntruth::lab {

// The environment of a call (CNI_COMMAND and so on) and its standard input.
struct PluginCall {
  std::string command = {};    // "ADD", "DEL", "CHECK", "VERSION"
  std::string container = {};  // its id
  std::string netns = {};      // path; may be empty in DEL
  std::string device = {};     // in the pod: "eth0"
  std::string folders = {};    // where other plug-ins are, separated by ':'
  std::string input = {};      // network configuration, JSON
};
[[nodiscard]] PluginCall read_call(const std::function<const char*(const char*)>& variable, std::string input);

// What containerd is answered; "" where the specification wants nothing. kInvalidInput for a call that cannot be
// understood, kInternal where addresses or devices could not be had.
[[nodiscard]] Result<std::string> answer(const PluginCall& call);

}  // namespace conntruth::lab
