// Cells that ask the cluster's DNS for Services' names, and controls where kernels limit ICMP errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/plan/small_plans.hpp"

namespace conntruth::plan {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::string_view kNames = R"(
id: names
title: Names
services: {web: {endpoints: [{on: first}]}}
probes: [{from: [pod], clients: first, to: [name]}]
)";

Plan plan_with_dns() {
  auto topology = make_topology({.nodes = 2, .pods = 1});
  topology.dns = {{*IpAddress::parse("10.96.0.10")}, "lab.test"};
  return *make_plan(topology, make_nodes(topology), {scenario_of(kNames)}, {.families = {Family::kIpv4}});
}

TEST(NamesPlan, says_what_is_not_run_where_there_is_no_cluster_dns) {
  const auto plan = *plan_of(kNames, {.nodes = 2, .pods = 1}, {.families = {Family::kIpv4}});
  EXPECT_THAT(cell_ids(plan), IsEmpty());
  ASSERT_THAT(plan.not_run, SizeIs(1));
  EXPECT_EQ(plan.not_run[0].cell, "names/steady/*>name:web");
  EXPECT_EQ(plan.not_run[0].reason, "there is no cluster DNS here");
}

TEST(NamesPlan, looks_the_name_up_in_the_clusters_own_domain) {
  const auto plan = plan_with_dns();
  const auto& cell = cell_of(plan, "names/steady/node-1-pod-0>name:web/udp/ipv4");
  ASSERT_THAT(cell.tasks, SizeIs(1));
  const auto& lookup = task_of(plan, cell.tasks[0]);
  EXPECT_EQ(lookup.method, Method::kDnsLookup);
  EXPECT_EQ(lookup.name, "names-web.conntruth.svc.lab.test");
  EXPECT_EQ(lookup.target, (SocketAddress{*IpAddress::parse("10.96.0.10"), 53}));
}

TEST(NamesPlan, believes_a_wrong_name_only_where_kubernetes_default_resolves) {
  const auto plan = plan_with_dns();
  const auto& cell = cell_of(plan, "names/steady/node-1-pod-0>name:web/udp/ipv4");
  ASSERT_THAT(cell.controls, SizeIs(1));
  const auto& control = plan.stages[0].controls[cell.controls[0]];
  EXPECT_TRUE(control.positive);
  ASSERT_THAT(control.tasks, SizeIs(1));
  EXPECT_EQ(task_of(plan, control.tasks[0]).name, "kubernetes.default.svc.lab.test");
}

TEST(ControlPlan, has_no_refused_udp_where_kernels_may_leave_the_refusal_out) {
  constexpr std::string_view kUdp = R"(
id: web
title: UDP
services: {web: {spec: {ports: [{name: udp, port: 80, protocol: UDP}]}, endpoints: [{on: last}]}}
probes: [{from: [pod], to: [clusterIP]}]
)";
  const auto negatives = [&](bool icmp_limited) {
    const auto plan = *plan_of(kUdp, {}, {.families = {Family::kIpv4}, .icmp_limited = icmp_limited});
    return std::ranges::count(plan.stages[0].controls, false, &Control::positive);
  };
  EXPECT_GT(negatives(false), 0);
  EXPECT_EQ(negatives(true), 0);
}

}  // namespace
}  // namespace conntruth::plan
