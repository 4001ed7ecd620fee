#pragma once
// Plans of one scenario given as text, and what is looked up in them.

#include <gtest/gtest.h>

#include <algorithm>

#include "controller/catalogue/catalogue.hpp"
#include "controller/plan/planner.hpp"
#include "tests/unit/controller/plan/topologies.hpp"

namespace conntruth::plan {

inline catalogue::Scenario scenario_of(std::string_view text) {
  auto scenario = catalogue::read_scenario(text, "test.yaml");
  EXPECT_TRUE(scenario) << scenario.error().message;
  return scenario ? *scenario : catalogue::Scenario{};
}

// One TCP port, IPv4 alone, and no follow cells: what is left can be written out.
inline PlanOptions small() { return {.protocols = {Protocol::kTcp}, .families = {Family::kIpv4}}; }

inline Result<Plan> plan_of(std::string_view text, const Shape& shape, const PlanOptions& options = small()) {
  const auto topology = make_topology(shape);
  return make_plan(topology, make_nodes(topology), {scenario_of(text)}, options);
}

inline std::vector<std::string> cell_ids(const Plan& plan) {
  std::vector<std::string> ids;
  for (const auto& stage : plan.stages) {
    for (const auto& cell : stage.cells) {
      if (cell.scenario != "follow") ids.push_back(cell.id);
    }
  }
  return ids;
}

inline const Cell& cell_of(const Plan& plan, std::string_view id) {
  static const Cell none;
  for (const auto& stage : plan.stages) {
    const auto found = std::ranges::find(stage.cells, id, &Cell::id);
    if (found != stage.cells.end()) return *found;
  }
  ADD_FAILURE() << "no cell " << id;
  return none;
}

inline const ProbeTask& task_of(const Plan& plan, std::uint32_t id) {
  static const ProbeTask none;
  for (const auto& stage : plan.stages) {
    for (const auto* list : {&stage.tasks, &stage.follow_tasks}) {
      for (const auto& planned : *list) {
        if (planned.task.id == id) return planned.task;
      }
    }
  }
  ADD_FAILURE() << "no task " << id;
  return none;
}

}  // namespace conntruth::plan
