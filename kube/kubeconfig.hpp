#pragma once
// The kubeconfig format (v1 Config) and its merging. Internal to the room.
// Source: kubernetes.io/docs/reference/config-api/kubeconfig.v1. Threading: pure functions; files are read.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "kube/access.hpp"

namespace conntruth::kube {

// One kubeconfig: its text and where it came from. Relative paths inside start at the file's folder.
struct ConfigText {
  std::string path;
  std::string text;
};

// The context that `context` names, or the first current-context. Earlier texts win over later ones.
[[nodiscard]] Result<Access> access_of(const std::vector<ConfigText>& texts, std::string_view context);

// Splits "https://[fd00::1]:6443/prefix" into the fields of `into`; the message says what is wrong with it.
[[nodiscard]] Status read_server(std::string_view url, Access& into);

// A file's bytes; `what` begins the message.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::string_view what);

}  // namespace conntruth::kube
