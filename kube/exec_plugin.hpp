#pragma once
// Runs a credential plug-in: client.authentication.k8s.io/v1 and v1beta1 (KEP-541). Internal to the room.
//
// The plug-in gets our environment, its own variables and KUBERNETES_EXEC_INFO, no terminal and no standard input; what
// it writes to stderr goes into the message when it fails. It is killed at the deadline. Threading: any thread; blocks.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "kube/access.hpp"

namespace conntruth::kube {

struct PluginCredential {
  std::string token;
  std::string certificate_pem;
  std::string key_pem;
  std::optional<std::chrono::system_clock::time_point> expires;
};

// `access` has the plug-in and, where it asks for it, what it learns about the cluster.
[[nodiscard]] Result<PluginCredential> run_plugin(const Access& access, std::chrono::steady_clock::time_point deadline);

// The plug-in's output.
[[nodiscard]] Result<PluginCredential> read_exec_credential(std::string_view text, std::string_view api_version);

// RFC 3339, as the API writes times: "2026-01-02T03:04:05Z", with a fraction or an offset or without.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> parse_time(const std::string& text);

}  // namespace conntruth::kube
