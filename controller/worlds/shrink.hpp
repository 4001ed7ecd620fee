#pragma once
// What can be taken out of a world, so that the smallest one is found that still shows a fault. The steps only: who
// calls them probes what is left, and keeps a step if the same flow fails in the same way.
// Threading: pure functions; the steps hold no reference to the world that they were made for.

#include <functional>
#include <string>
#include <vector>

#include "common/world/world.hpp"
#include "controller/plan/worlds_plan.hpp"

namespace conntruth::worlds {

struct Reduction {
  std::string what;  // "without port p1", unique in its list
  // False: nothing to take away (any more), the world is as it was.
  std::function<bool(world::World&)> apply;
};

// In the order in which they are tried: the largest first, and at the end values that become ordinary. None of them
// takes away the Service and port of `flow`. Always the same for the same world and flow.
[[nodiscard]] std::vector<Reduction> reductions(const world::World& world, const plan::FlowKey& flow);

// All of them that apply, one after another.
[[nodiscard]] world::World reduced(world::World world, const std::vector<Reduction>& steps);

}  // namespace conntruth::worlds
