#pragma once
// Scenarios of real Deployments: how many pods there are, which of them may count as ready, and when they are replaced.
// What the EndpointSlices have to be is not written here: they are read back from the API, as the cluster's own
// controllers have made them, and the oracle says what they ask of the dataplane. In code, as there is little in them
// that the format of the other scenarios has words for (docs/decisions/0155). Plain values. Threading: pure functions.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "controller/catalogue/scenario.hpp"
#include "controller/provider/workloads.hpp"

namespace conntruth::catalogue {

// How many pods, in a run on so many nodes.
enum class Pods : std::uint8_t { kNone, kOne, kAllButOne, kAll };
[[nodiscard]] std::uint32_t count_of(Pods pods, std::size_t nodes);

struct WorkloadStep {
  std::string name;
  Pods replicas = Pods::kAll;
  Pods withheld = Pods::kNone;  // of them: not ready by our word
  bool anew = false;            // with pods of another revision
  bool rollout = false;         // probed at a fixed pace while the pods of the step before are replaced
};

struct WorkloadScenario {
  std::string id;  // also the Deployment's name
  std::string title;
  std::vector<std::string> covers;
  std::chrono::seconds linger{0};
  std::vector<WorkloadService> services;
  std::vector<std::string> kept;  // Services at which clients keep one connection over all steps
  std::vector<WorkloadStep> steps;
};

// Steps of all but those with a rollout stand side by side; those come after them, one at a time.
[[nodiscard]] std::vector<WorkloadScenario> workload_scenarios();
// For choosing among them: id, covers and the names of the steps.
[[nodiscard]] Scenario outline_of(const WorkloadScenario& scenario);

}  // namespace conntruth::catalogue
