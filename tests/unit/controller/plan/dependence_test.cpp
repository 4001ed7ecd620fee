#include "controller/plan/dependence.hpp"

#include <gtest/gtest.h>

namespace conntruth::plan {
namespace {

PlannedTask task(std::string agent, std::uint32_t id) {
  PlannedTask planned{std::move(agent), {}};
  planned.task.id = id;
  return planned;
}

Cell cell(std::uint32_t task, std::vector<std::uint32_t> controls) {
  Cell made;
  made.tasks = {task};
  made.controls = std::move(controls);
  return made;
}

// Cells from a to b, from b to c, and from a to nobody's endpoint; a control each.
struct Bench {
  Bench() {
    plan.responders = {{"b", {1, "b-pod-0", Protocol::kTcp, 5000}, {}},
                       {"c", {2, "c-pod-0", Protocol::kTcp, 5000}, {}}};
    stage.tasks = {task("a", 1), task("b", 2), task("a", 3), task("a", 11), task("b", 12), task("a", 13)};
    stage.controls = {{"a>b", true, 1, {11}}, {"b>c", true, 2, {12}}, {"refused", false, 0, {13}}};
    stage.cells = {cell(1, {0}), cell(2, {1}), cell(3, {2})};
  }
  Plan plan;
  Stage stage;
};

TEST(Dependence, without_losses_everything_runs) {
  const Bench bench;
  const auto found = dependence_on({}, bench.plan, bench.stage);
  EXPECT_EQ(found.cells, (std::vector{false, false, false}));
  EXPECT_EQ(found.controls, (std::vector{false, false, false}));
}

TEST(Dependence, a_lost_agents_node_is_no_way_in) {
  Bench bench;
  bench.stage.cells[0].flow.entry.node = "d";
  EXPECT_EQ(dependence_on({"d"}, bench.plan, bench.stage).cells, (std::vector{true, false, false}));
}

TEST(Dependence, a_lost_agent_takes_what_it_probes_and_what_it_answers) {
  const Bench bench;
  const auto found = dependence_on({"b"}, bench.plan, bench.stage);
  EXPECT_EQ(found.cells, (std::vector{true, true, false}));
  EXPECT_EQ(found.controls, (std::vector{true, true, false}));
  EXPECT_EQ(dependence_on({"c"}, bench.plan, bench.stage).cells, (std::vector{false, true, false}));
  EXPECT_EQ(dependence_on({"a"}, bench.plan, bench.stage).cells, (std::vector{true, false, true}));
}

}  // namespace
}  // namespace conntruth::plan
