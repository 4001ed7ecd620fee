#pragma once
// A cell before its expectation, its tasks and its controls are known: who probes what. Internal to the room.

#include <string>
#include <vector>

#include "controller/plan/places.hpp"
#include "controller/plan/plan.hpp"
#include "controller/plan/planner.hpp"
#include "controller/plan/scenario_world.hpp"

namespace conntruth::plan {

struct Draft {
  std::string scenario;
  std::string step;
  std::string table;  // without protocol and family
  std::string column;
  std::string target;  // part of the id: "nodePort:web:http@node-2"
  Origin origin;
  Entry entry;
  Protocol protocol = Protocol::kTcp;
  catalogue::ProbeRule rule = catalogue::ProbeRule::kNewFlows;
  std::uint16_t source_port = 0;  // fixed flows
  // Where the Service's endpoints answer, usable or not: controls of a cell that expects no answer use them.
  std::vector<const Place*> endpoints;
  // What it covers beside what its whole scenario does.
  std::vector<std::string> covers;

  [[nodiscard]] std::string row() const { return origin.label(); }
  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::string id_over_steps() const;  // the same at every step of its scenario
};

// All cells of one step of one scenario, in stable order, and those that the topology has no client or pod for.
struct Drafts {
  std::vector<Draft> drafts;
  std::vector<NotRun> not_run;
};

[[nodiscard]] Result<Drafts> draft_step(const catalogue::Scenario& scenario, const catalogue::Step& step,
                                        const ScenarioWorld& scenario_world, const Topology& topology,
                                        const Places& places, Allocation& allocation, const PlanOptions& options);

}  // namespace conntruth::plan
