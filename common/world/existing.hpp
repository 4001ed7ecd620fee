#pragma once
// What a cluster had at one time. Plain values.

#include <map>
#include <set>
#include <string>

#include "common/world/world.hpp"

namespace conntruth::world {

struct Existing {
  World world;
  // Of each Service, "namespace/name": the names and resourceVersions of itself and of its EndpointSlices. Equal at two
  // times: it was the same all the while between them.
  std::map<std::string, std::set<std::string>> versions;
};

}  // namespace conntruth::world
