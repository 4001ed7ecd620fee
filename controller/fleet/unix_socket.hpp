#pragma once
// The file side of a "unix:/path" target.

#include <optional>
#include <string>

#include "common/result.hpp"

namespace conntruth::fleet {

// The path of a "unix:PATH" or "unix:///PATH" target; none for other targets.
[[nodiscard]] std::optional<std::string> unix_path(const std::string& target);
// A path that can be bound: kInvalidInput where it is too long (107 bytes) or empty, kConflict where somebody answers
// there. A socket that nobody answers at is left for the listener to replace.
[[nodiscard]] Status check_unix_path(const std::string& path);
// Mode 0600.
[[nodiscard]] Status restrict_unix_socket(const std::string& path);

}  // namespace conntruth::fleet
