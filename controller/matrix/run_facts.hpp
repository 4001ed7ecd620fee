#pragma once
// What a run adds to its plan and its samples: what must be kept beside them so that a verdict can be recomputed.
// Plain values.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "common/model/probe.hpp"

namespace conntruth::matrix {

// A node's dataplane's own claim to have the stage's world in the kernel.
struct NodeProgrammed {
  std::string node;
  std::int64_t at_ns = 0;  // CLOCK_MONOTONIC
  std::string error;
  bool operator==(const NodeProgrammed&) const = default;
};

struct StageFacts {
  std::int64_t published_ns = 0;  // CLOCK_MONOTONIC just before the world's last change was handed over; 0: never
  bool probed = false;            // its control and body tasks were handed to the agents
  std::vector<NodeProgrammed> programmed;
  // Agents that were lost by then: what depends on one of them was not probed (controller/plan/dependence.hpp).
  std::set<std::string> without = {};
  std::string unsettled = {};  // set: how its world changed by itself while it was probed
  // Services that are not as they were when the run began: "namespace/name". Of a run that reads.
  std::set<std::string> changed = {};
  bool operator==(const StageFacts&) const = default;
};

struct AgentFacts {
  std::string agent;
  std::string error;                // set: it went away or could not carry out an assignment
  std::vector<LossCounter> losses;  // its last totals
  bool operator==(const AgentFacts&) const = default;
};

struct RunFacts {
  std::vector<StageFacts> stages;  // parallel to Plan::stages; stages that are missing here were not reached
  std::vector<AgentFacts> agents;
  std::string ended_early;  // why a run has stages that were not reached; "" for a whole run
  bool operator==(const RunFacts&) const = default;
};

}  // namespace conntruth::matrix
