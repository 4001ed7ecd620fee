// Plans that grow with the run.
#include "controller/plan/workload_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/catalogue/workload_scenarios.hpp"
#include "tests/unit/controller/plan/topologies.hpp"

namespace conntruth::plan {
namespace {

using testing::HasSubstr;

WorkloadPlace pod(unsigned node, unsigned number, std::uint16_t port, std::uint32_t responder) {
  return {fmt::format("rolling-{}-{}", port, node),
          fmt::format("node-{}", node),
          {*IpAddress::parse(fmt::format("10.244.{}.{}", node, number))},
          port,
          responder,
          responder + 1};
}

world::EndpointSlice slice(const std::vector<WorkloadPlace>& pods, const std::string& suffix) {
  world::EndpointSlice slice;
  slice.namespace_name = "conntruth";
  slice.name = "rolling-" + suffix;
  slice.service_name = "rolling";
  slice.ports = {{"tcp", Protocol::kTcp, pods.front().port}, {"udp", Protocol::kUdp, pods.front().port}};
  for (const auto& each : pods) {
    world::Endpoint endpoint;
    endpoint.addresses = each.addresses;
    endpoint.ready = true;
    endpoint.node_name = each.node;
    slice.endpoints.push_back(endpoint);
  }
  return slice;
}

world::World world_with(std::vector<world::EndpointSlice> slices) {
  world::World world;
  world::Service service;
  service.namespace_name = "conntruth";
  service.name = "rolling";
  service.cluster_ips = {*IpAddress::parse("10.96.200.1")};
  service.ports = {{"tcp", Protocol::kTcp, 80, std::uint16_t{0}, 0}, {"udp", Protocol::kUdp, 80, std::uint16_t{0}, 0}};
  world.services = {service};
  world.slices = std::move(slices);
  return world;
}

const std::vector<WorkloadPlace> kOld = {pod(1, 20, 9000, 1'000'000), pod(2, 20, 9000, 1'000'002)};
const std::vector<WorkloadPlace> kNew = {pod(1, 21, 9001, 1'000'004), pod(2, 21, 9001, 1'000'006)};

WorkloadScript script() {
  WorkloadScript script;
  script.present = true;
  for (const auto& scenario : catalogue::workload_scenarios())
    script.scenarios.push_back(catalogue::outline_of(scenario));
  return script;
}

WorkloadStage stage(const std::string& step, world::World world, std::vector<WorkloadPlace> pods) {
  return {std::move(world), std::move(pods), {{"rolling-update", step, {"rolling"}, {}}}, std::nullopt};
}

struct Case {
  Topology topology = make_topology({.nodes = 2, .external = false});
  std::vector<world::Node> nodes = make_nodes(topology);
  WorkloadScript script = plan::script();
  PlanOptions options = {.select = {"rolling-update"}};
  [[nodiscard]] Result<Plan> plan() const { return make_workload_plan(topology, nodes, script, options); }
};

std::vector<std::uint32_t> task_ids(const Stage& stage) {
  std::vector<std::uint32_t> ids;
  for (const auto& planned : stage.tasks) ids.push_back(planned.task.id);
  return ids;
}

WorkloadStage rolling(std::uint32_t rounds) {
  auto result = stage("rolling", world_with({slice(kOld, "a")}), kOld);
  result.rollout = WorkloadRollout{"rolling", rounds, {}};
  return result;
}

WorkloadStage rolled(std::uint32_t rounds) {
  auto result = rolling(rounds);
  result.pods.insert(result.pods.end(), kNew.begin(), kNew.end());
  result.rollout->changes = {{5'000, {slice(kOld, "a"), slice({kNew[0]}, "b")}},
                             {6'000, {slice({kOld[1]}, "a"), slice({kNew[0]}, "b")}},
                             {7'000, {slice(kNew, "b")}}};
  return result;
}

TEST(WorkloadPlan, what_was_planned_stays_whatever_comes_to_be_known_later) {
  Case run;
  run.script.stages = {stage("before", world_with({slice(kOld, "a")}), kOld)};
  const auto first = run.plan();
  ASSERT_TRUE(first) << first.error().message;
  run.script.stages.push_back(rolling(100));
  const auto pacing = run.plan();
  ASSERT_TRUE(pacing) << pacing.error().message;
  run.script.stages.back() = rolled(7);
  run.script.stages.push_back(stage("after", world_with({slice(kNew, "b")}), kNew));
  const auto whole = run.plan();
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(task_ids(whole->stages[0]), task_ids(first->stages[0]));
  auto rounds = task_ids(pacing->stages[1]);
  rounds.resize(rounds.size() / 100 * 7);
  EXPECT_EQ(task_ids(whole->stages[1]), rounds);
  for (const auto& responder : pacing->responders) {
    const auto same = [&](const auto& each) { return each.spec == responder.spec && each.agent == responder.agent; };
    EXPECT_TRUE(std::ranges::any_of(whole->responders, same)) << responder.spec.id;
  }
}

TEST(WorkloadPlan, expects_what_the_slices_say_and_names_the_pods) {
  Case run;
  run.script.stages = {stage("before", world_with({slice(kOld, "a")}), kOld)};
  const auto plan = *run.plan();
  unsigned judged = 0;
  for (const auto& cell : plan.stages[0].cells) {
    if (cell.scenario == "follow") continue;
    ++judged;
    EXPECT_EQ(cell.expectation.endpoints.size(), 2U) << cell.id;
    EXPECT_EQ(cell.expectation.endpoints[0].port, 9000) << cell.id;
  }
  EXPECT_EQ(judged, 2U * 2 * 2);  // nodes, host and pod, protocols
  EXPECT_EQ(plan.stages[0].world.services.size(), 1U) << "the canary alone is written";
  EXPECT_NE(plan.topology.pod("rolling-9000-2"), nullptr);
}

TEST(WorkloadPlan, a_rollout_has_a_gap_for_each_vantage_and_a_time_for_each_change) {
  Case run;
  run.script.stages = {stage("before", world_with({slice(kOld, "a")}), kOld), rolled(3)};
  const auto plan = run.plan();
  ASSERT_TRUE(plan) << plan.error().message;
  std::map<CellRule, std::vector<const Cell*>> cells;
  for (const auto& cell : plan->stages[1].cells) cells[cell.rule].push_back(&cell);
  ASSERT_EQ(cells[CellRule::kGap].size(), 2U * 2 * 2);
  for (const auto* cell : cells[CellRule::kGap]) {
    EXPECT_EQ(cell->expectation.endpoints.size(), 4U) << cell->id;
    EXPECT_EQ(cell->tasks.size(), 3U) << "one a round";
    EXPECT_EQ(plan->stages[1].controls.at(cell->controls.at(0)).tasks.size(), 3U);
  }
  ASSERT_EQ(cells[CellRule::kFollow].size(), 2U * 2);  // nodes, pods that came
  EXPECT_EQ(cells[CellRule::kFollow][0]->id, "rolling-update/rolling/node-1>clusterIP:rolling:udp:came-1/udp/ipv4");
  EXPECT_EQ(cells[CellRule::kFollow][0]->changed_ns, 5'000);
  EXPECT_EQ(cells[CellRule::kFollow][0]->expectation.endpoints.size(), 1U);
  ASSERT_EQ(cells[CellRule::kLeave].size(), 2U * 2);
  EXPECT_EQ(cells[CellRule::kLeave][1]->changed_ns, 7'000);
  EXPECT_EQ(cells[CellRule::kLeave][1]->expectation.endpoints.size(), 3U);
}

TEST(WorkloadPlan, what_the_run_did_not_come_to_is_named) {
  Case run;
  run.options.select = {"readiness"};
  const auto plan = run.plan();
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->not_run.size(), 3U);
  EXPECT_EQ(plan->not_run[1].cell, "readiness/one-withdrawn/*");
  run.options.select = {"redaniess"};
  EXPECT_THAT(run.plan().error().message, HasSubstr("readiness"));
}

TEST(WorkloadPlan, an_address_that_is_no_pods_of_the_run_is_refused) {
  Case run;
  run.script.stages = {stage("before", world_with({slice(kOld, "a")}), {kOld[0]})};
  const auto plan = run.plan();
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message, HasSubstr("10.244.2.20, which is no pod's of this run"));
}

}  // namespace
}  // namespace conntruth::plan
