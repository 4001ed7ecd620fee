#pragma once
// Where this program's companions and data are. Threading: pure but for reading /proc/self/exe.

#include <string>
#include <string_view>

namespace conntruth::app {

inline constexpr const char* kVersion = CONNTRUTH_VERSION;

// "/usr/bin/conntruth" → "/usr/bin/NAME".
[[nodiscard]] std::string program_beside_this(std::string_view name);

}  // namespace conntruth::app
