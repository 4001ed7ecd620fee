#pragma once
// JSON to Values. Internal to the room.

#include "common/world/document.hpp"

namespace conntruth::world {
[[nodiscard]] Result<std::vector<Value>> parse_json(std::string_view text, std::string_view origin);
}
