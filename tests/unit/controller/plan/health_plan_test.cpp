// Cells that ask health endpoints over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/plan/small_plans.hpp"

namespace conntruth::plan {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kHealth = R"(
id: health
title: Health endpoints
services: {web: {spec: {type: LoadBalancer, externalTrafficPolicy: Local}, endpoints: [{on: first}]}}
probes: [{from: [pod, external], to: [healthCheckNodePort, proxyHealthz]}]
steps:
  - name: usual
  - name: leaving
    services: {web: {spec: {externalTrafficPolicy: Cluster}}}
    nodes: [{on: last, scaleDownTaint: true}]
)";

TEST(HealthPlan, asks_health_endpoints_of_every_node_over_http) {
  const auto plan = *plan_of(kHealth, {.nodes = 2, .pods = 1});
  const auto& here = cell_of(plan, "health/usual/node-2-pod-0>healthCheckNodePort:web@node-1/tcp/ipv4");
  ASSERT_THAT(here.tasks, SizeIs(1));
  const auto& task = task_of(plan, here.tasks.front());
  EXPECT_EQ(task.method, Method::kHttpGet);
  EXPECT_EQ(task.path, "/healthz");
  EXPECT_EQ(task.count, 8U);
  EXPECT_EQ(task.target.address, *IpAddress::parse("172.31.0.11"));
  EXPECT_EQ(task.target.port, plan.stages[0].world.services[0].health_check_node_port);
  EXPECT_EQ(here.expectation.http, (HttpExpectation{200, 1, "conntruth/health-web"}));
  const auto& there = cell_of(plan, "health/usual/external>node-2>healthCheckNodePort:web@node-2/tcp/ipv4");
  EXPECT_EQ(there.expectation.http, (HttpExpectation{503, 0, "conntruth/health-web"}));
  const auto& closed = cell_of(plan, "health/leaving/node-2-pod-0>healthCheckNodePort:web@node-1/tcp/ipv4");
  EXPECT_FALSE(closed.expectation.outcomes.replied);
  EXPECT_EQ(task_of(plan, closed.tasks.front()).target, task.target) << "the port stays its own while it is closed";
}

TEST(HealthPlan, a_node_on_its_way_out_is_in_the_world_and_in_what_is_expected) {
  const auto plan = *plan_of(kHealth, {.nodes = 2, .pods = 1});
  EXPECT_THAT(plan.stages[0].world.node("node-2")->taints, IsEmpty());
  EXPECT_THAT(plan.stages[1].world.node("node-2")->taints, SizeIs(1));
  const auto status = [&](const std::string& step, const std::string& node) {
    const auto id = "health/" + step + "/node-1-pod-0>proxyHealthz@" + node + "/tcp/ipv4";
    return cell_of(plan, id).expectation.http.value_or(HttpExpectation{}).status;
  };
  EXPECT_EQ(status("usual", "node-2"), 200);
  EXPECT_EQ(status("leaving", "node-2"), 503);
  EXPECT_EQ(status("leaving", "node-1"), 200);
}

}  // namespace
}  // namespace conntruth::plan
