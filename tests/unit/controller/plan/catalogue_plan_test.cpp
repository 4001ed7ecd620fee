// The catalogue that comes with the program, planned on topologies of several sizes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

#include "common/world/world_reader.hpp"
#include "controller/catalogue/catalogue.hpp"
#include "controller/plan/planner.hpp"
#include "tests/unit/controller/plan/topologies.hpp"

namespace conntruth::plan {
namespace {

const std::vector<catalogue::Scenario>& catalogue_of_the_program() {
  static const auto loaded = catalogue::load_catalogue(catalogue::default_directory());
  EXPECT_TRUE(loaded) << loaded.error().message;
  return *loaded;
}

Plan plan_of(const Shape& shape, const PlanOptions& options = {}) {
  const auto topology = make_topology(shape);
  auto plan = make_plan(topology, make_nodes(topology), catalogue_of_the_program(), options);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *plan : Plan{};
}

TEST(CataloguePlan, stays_within_the_budget_of_probes_on_three_nodes) {
  const auto plan = plan_of({}, {.protocols = {Protocol::kTcp, Protocol::kUdp}});
  std::map<std::string, std::pair<std::size_t, std::uint64_t>> by_scenario;
  for (std::size_t index = 0; index < plan.stages.size(); ++index) {
    const auto& stage = plan.stages[index];
    std::map<std::uint32_t, std::uint32_t> counts;
    std::uint64_t probes = 0;
    for (const auto& planned : stage.tasks) {
      counts[planned.task.id] = planned.task.count;
      probes += planned.task.count;
    }
    std::uint64_t controls = 0;
    for (const auto& control : stage.controls) {
      for (const auto task : control.tasks) controls += counts[task];
    }
    for (const auto& cell : stage.cells) {
      auto& [cells, total] = by_scenario[cell.scenario];
      ++cells;
      for (const auto task : cell.tasks) total += counts[task];
    }
    std::cout << "stage " << index + 1 << ": " << stage.cells.size() << " cells, " << stage.controls.size()
              << " controls of " << controls << " probes, " << probes << " probes\n";
  }
  for (const auto& [scenario, numbers] : by_scenario) {
    std::cout << "  " << scenario << ": " << numbers.first << " cells, " << numbers.second << " probes\n";
  }
  std::cout << "total: " << count_probes(plan) << " probes, " << plan.responders.size() << " responders\n";
  EXPECT_LT(count_probes(plan), 700'000U);
}

}  // namespace
}  // namespace conntruth::plan
