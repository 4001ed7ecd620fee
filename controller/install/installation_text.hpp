#pragma once
// An Installation as people and programs read it. Threading: pure functions.

#include <string>

#include "controller/install/installation.hpp"

namespace conntruth::install {

[[nodiscard]] std::string as_text(const Installation& installation);
// One object; keys are stable.
[[nodiscard]] std::string as_json(const Installation& installation);

}  // namespace conntruth::install
