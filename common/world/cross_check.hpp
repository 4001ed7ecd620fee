#pragma once
// What no single object shows: names and addresses that clash, and nodes that do not exist. Internal to the room.

#include <cstdint>
#include <vector>

#include "common/world/fields.hpp"
#include "common/world/world.hpp"

namespace conntruth::world {

// Lines at which the objects of a World begin, in the World's order.
struct ObjectLines {
  std::vector<std::uint32_t> nodes;
  std::vector<std::uint32_t> services;
  std::vector<std::uint32_t> slices;
};

void cross_check(const World& world, const ObjectLines& lines, Mistakes& mistakes);

}  // namespace conntruth::world
