// Plans for a cluster that is somebody else's: Nodes are not changed, addresses and ports of others not taken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "controller/catalogue/catalogue.hpp"
#include "controller/plan/planner.hpp"
#include "tests/unit/controller/plan/topologies.hpp"

namespace conntruth::plan {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kHealth = R"(
id: health
title: Health endpoints
services: {web: {spec: {type: LoadBalancer, externalTrafficPolicy: Local}, endpoints: [{on: first}]}}
probes: [{from: [pod], to: [healthCheckNodePort, proxyHealthz]}]
steps:
  - name: usual
  - name: leaving
    services: {web: {spec: {externalTrafficPolicy: Cluster}}}
    nodes: [{on: last, scaleDownTaint: true}]
)";

Result<Plan> plan_of(const Topology& topology, bool nodes_may_change) {
  PlanOptions options;
  options.protocols = {Protocol::kTcp};
  options.nodes_may_change = nodes_may_change;
  return make_plan(topology, make_nodes(topology), {*catalogue::read_scenario(kHealth, "test.yaml")}, options);
}

TEST(SomebodyElsesCluster, keeps_its_nodes_as_they_are_and_the_report_says_so) {
  const auto plan = plan_of(make_topology({.nodes = 2, .pods = 1}), false);
  ASSERT_TRUE(plan) << plan.error().message;
  for (const auto& stage : plan->stages) EXPECT_THAT(stage.world.node("node-2")->taints, IsEmpty());
  ASSERT_THAT(plan->not_run, SizeIs(1));
  EXPECT_EQ(plan->not_run[0].cell, "health/leaving/*");
  EXPECT_THAT(plan->not_run[0].reason, HasSubstr("changes Nodes"));
}

struct Used {
  std::set<IpAddress> addresses;
  std::set<std::uint16_t> ports;
};

Used used_in(const Plan& plan) {
  Used used;
  for (const auto& service : plan.stages[0].world.services) {
    used.addresses.insert(service.cluster_ips.begin(), service.cluster_ips.end());
    for (const auto& ingress : service.ingress) used.addresses.insert(ingress.address);
    for (const auto& port : service.ports) used.ports.insert(port.node_port);
    used.ports.insert(service.health_check_node_port);
  }
  used.ports.erase(0);
  return used;
}

TEST(SomebodyElsesCluster, keeps_its_addresses_and_ports) {
  auto topology = make_topology({.nodes = 2, .pods = 1});
  const auto free = plan_of(topology, true);
  ASSERT_TRUE(free);
  const auto taken = used_in(*free);
  ASSERT_THAT(taken.ports, SizeIs(testing::Ge(2U)));
  topology.ranges.taken_addresses.assign(taken.addresses.begin(), taken.addresses.end());
  topology.ranges.taken_node_ports.assign(taken.ports.begin(), taken.ports.end());
  const auto plan = plan_of(topology, true);
  ASSERT_TRUE(plan) << plan.error().message;
  const auto ours = used_in(*plan);
  EXPECT_EQ(ours.addresses.size(), taken.addresses.size());
  EXPECT_EQ(ours.ports.size(), taken.ports.size());
  for (const auto& each : ours.addresses) EXPECT_FALSE(taken.addresses.contains(each)) << each.to_string();
  for (const auto each : ours.ports) EXPECT_FALSE(taken.ports.contains(each)) << each;
}

}  // namespace
}  // namespace conntruth::plan
