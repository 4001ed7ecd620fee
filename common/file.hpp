#pragma once
// A whole file as text. Errors name the path: kNotFound, kPermission, else as fail_errno() has it (a directory, a
// device's error). Threading: independent calls.

#include <string>

#include "common/result.hpp"

namespace conntruth {

[[nodiscard]] Result<std::string> read_file(const std::string& path);

}  // namespace conntruth
