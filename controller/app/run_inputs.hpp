#pragma once
// What a run is planned from. The run's store keeps it as text, so that `rejudge` makes the same plan on another day.
// Errors name the input. Threading: values; reading and writing go through the store.

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/model/topology.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"
#include "controller/catalogue/scenario.hpp"
#include "controller/plan/planner.hpp"
#include "controller/plan/workload_plan.hpp"
#include "controller/store/run_store.hpp"
#include "controller/worlds/world_file.hpp"

namespace conntruth::app {

struct RunInputs {
  Topology topology;
  std::vector<world::Node> nodes;
  std::vector<catalogue::Scenario> scenarios;  // of the catalogue; empty where `world_text` is the subject
  std::string world_text;                      // Kubernetes objects; "" where the catalogue is the subject
  std::string world_origin;                    // its file name, for messages
  // Of a run that reads `world_text` from a cluster: Existing::versions. Not stored.
  std::map<std::string, std::set<std::string>> versions;
  worlds::WorldSet worlds;                                 // not empty: these are the subject
  plan::WorkloadScript workloads;                          // present: these are; stages come during the run
  plan::PlanOptions options;                               // with the capabilities that the agents told
  std::vector<std::string> profile_texts;                  // parallel to options.profiles.profiles
  std::vector<std::pair<std::string, std::string>> facts;  // for the report's head: "started", "kernel", ...
};

// Loads what is to be checked: the world file where one is named, else the catalogue ("": the one of the program).
[[nodiscard]] Status add_subject(RunInputs& inputs, const std::string& catalogue, const std::string& world_file);

[[nodiscard]] Result<plan::Plan> make_plan(const RunInputs& inputs);

[[nodiscard]] Status write_inputs(store::RunWriter& writer, const RunInputs& inputs);
// The last stage of `workloads`, once its world was read: what was planned before does not change by it.
[[nodiscard]] Status write_stage(store::RunWriter& writer, const RunInputs& inputs);
[[nodiscard]] Result<RunInputs> read_inputs(const store::RunReader& reader);

}  // namespace conntruth::app
