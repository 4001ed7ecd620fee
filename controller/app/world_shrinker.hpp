#pragma once
// Finds the smallest world that still fails, by probing. Deterministic but for what the dataplane does: the steps come
// in a fixed order, each is tried in copies, and it counts only where the flow fails in every copy.
// Threading: the main thread; runs and stores runs of its own.

#include <string>
#include <vector>

#include "controller/app/run_command.hpp"
#include "controller/plan/worlds_plan.hpp"

namespace conntruth::app {

struct Failure {
  plan::NamedWorld world;  // as it was generated and placed
  std::string cell;        // the first red one
  plan::FlowKey flow;      // of that cell
  judge::Reason reason;
};

struct Shrunk {
  world::World world;    // the smallest that was found, placed under the id of the failure
  unsigned repeats = 0;  // how often the whole world was probed again
  unsigned again = 0;    // in how many of them the flow failed in the same way
  unsigned runs = 0;     // that it took
  bool beside_others =
      false;  // did not come again every time by itself, and so was probed beside the world's other flows
  std::vector<std::string> taken_out;
  std::string error;  // why it ended early; "" where it did not
  // What does not come again in every copy is a flake: nothing is taken out of it.
  [[nodiscard]] bool is_flake() const { return error.empty() && again < repeats; }
};

// `request` is that of the failing run; its worlds are replaced.
[[nodiscard]] Shrunk shrink(RunRequest request, const Topology& topology, const Failure& failure);

}  // namespace conntruth::app
