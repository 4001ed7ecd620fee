#pragma once
// YAML to Values. Internal to the room.

#include "common/world/document.hpp"

namespace conntruth::world {
[[nodiscard]] Result<std::vector<Value>> parse_yaml(std::string_view text, std::string_view origin);
}
