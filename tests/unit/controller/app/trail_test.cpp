#include "controller/app/trail.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conntruth::app {
namespace {

using testing::IsEmpty;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

// Task 1: node-1's pod to a ClusterIP. 2: to node-2's node port. 3: from outside, entering at node-3, to an external
// IP.
plan::Plan plan_of_three() {
  plan::Plan plan;
  auto& stage = plan.stages.emplace_back();
  const auto add = [&](std::uint32_t id, const char* agent, Flow flow) {
    plan::PlannedTask planned{agent, {}};
    planned.task.id = id;
    planned.task.foreign = true;
    planned.task.target = flow.entry.target;
    stage.tasks.push_back(planned);
    plan::Cell cell;
    cell.foreign = true;
    cell.flow = std::move(flow);
    cell.tasks = {id};
    stage.cells.push_back(cell);
  };
  const Vantage pod{VantageKind::kPod, "node-1", "node-1-pod-0", ip("10.244.1.10")};
  const Vantage outside{VantageKind::kExternal, "node-3", "", ip("192.0.2.13")};
  add(1, "node-1", {pod, {EntryKind::kClusterIp, "a/b", "", "", {ip("10.96.0.10"), 80}}, Protocol::kTcp});
  add(2, "node-1", {pod, {EntryKind::kNodePort, "a/b", "", "node-2", {ip("172.31.0.12"), 30080}}, Protocol::kTcp});
  add(3, "external", {outside, {EntryKind::kExternalIp, "a/b", "", "", {ip("203.0.113.9"), 80}}, Protocol::kTcp});
  return plan;
}

Sample sample(std::uint32_t task, Outcome outcome) {
  Sample result;
  result.id = probe_id(task, 4);
  result.outcome = outcome;
  result.source_port = 10'004;
  return result;
}

TEST(Trail, where_the_client_s_node_decides_nobody_else_is_asked) {
  Trail trail(plan_of_three());
  ResultBatch batch;
  batch.samples = {sample(1, Outcome::kReplied)};
  EXPECT_THAT(trail.follow(batch), IsEmpty());
}

TEST(Trail, another_node_is_asked_for_the_flow_as_it_left_the_first) {
  Trail trail(plan_of_three());
  ResultBatch first;
  first.sights = {{probe_id(2, 4), 0, {ip("172.31.0.11"), 23'456}, 1, {ip("172.31.0.12"), 30080}}};
  EXPECT_THAT(trail.follow(first), IsEmpty()) << "it is asked once the flow is over";
  ResultBatch second;
  second.samples = {sample(2, Outcome::kReplied)};
  const auto questions = trail.follow(second);
  ASSERT_TRUE(questions.contains("node-2"));
  const FlowQuestion wanted{probe_id(2, 4), Protocol::kTcp, {ip("172.31.0.11"), 23'456}, {ip("172.31.0.12"), 30080}};
  EXPECT_EQ(questions.at("node-2"), std::vector{wanted});
}

TEST(Trail, a_client_outside_has_no_connection_tracking_and_its_address_is_known) {
  Trail trail(plan_of_three());
  ResultBatch batch;
  batch.samples = {sample(3, Outcome::kTimedOut)};
  const FlowQuestion wanted{probe_id(3, 4), Protocol::kTcp, {ip("192.0.2.13"), 10'004}, {ip("203.0.113.9"), 80}};
  EXPECT_EQ(trail.follow(batch).at("node-3"), std::vector{wanted});
}

TEST(Trail, of_refused_flows_nothing_is_left_to_ask_for) {
  Trail trail(plan_of_three());
  ResultBatch batch;
  batch.samples = {sample(2, Outcome::kRefused), sample(3, Outcome::kToolError)};
  EXPECT_THAT(trail.follow(batch), IsEmpty());
}

}  // namespace
}  // namespace conntruth::app
