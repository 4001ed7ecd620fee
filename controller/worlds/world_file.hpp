#pragma once
// A world as a file for people, kubectl and `conntruth run --world`, and many worlds as one input of a run.
// Threading: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/world/world.hpp"
#include "controller/plan/worlds_plan.hpp"

namespace conntruth::worlds {

// YAML, with `comments` as lines in front.
[[nodiscard]] std::string to_yaml(const world::World& world, const std::vector<std::string>& comments);

// What a run keeps of its worlds; JSON. Reading gives back what was written; kInvalidInput for anything else.
struct WorldSet {
  std::vector<plan::NamedWorld> worlds;
  plan::WorldsOptions shape;
};
[[nodiscard]] std::string write_worlds(const WorldSet& set);
[[nodiscard]] Result<WorldSet> read_worlds(std::string_view text);

}  // namespace conntruth::worlds
