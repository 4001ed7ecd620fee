// Plans for Services that exist, and the numbers of their probes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/world/world_reader.hpp"
#include "controller/plan/planner.hpp"
#include "controller/plan/reading_probes.hpp"
#include "tests/unit/controller/plan/topologies.hpp"

namespace conntruth::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr std::string_view kWorld = R"(
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: NodePort
  clusterIP: 10.96.0.10
  ports: [{name: http, port: 80, nodePort: 30080}, {name: names, port: 53, protocol: UDP}]
---
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}, {name: names, port: 5353, protocol: UDP}]
endpoints:
- {addresses: [10.244.9.99], nodeName: node-1, targetRef: {kind: Pod, name: web-abc}}
- {addresses: [10.250.0.1]}
---
kind: Service
metadata: {name: empty, namespace: shop}
spec: {clusterIP: 10.96.0.11, ports: [{port: 80}]}
---
kind: Service
metadata: {name: alias, namespace: shop}
spec: {type: ExternalName, externalName: example.org}
---
kind: Service
metadata: {name: mesh, namespace: other, labels: {service.kubernetes.io/service-proxy-name: mesh}}
spec: {clusterIP: 10.96.0.12, ports: [{port: 80}]}
---
kind: Service
metadata: {name: peers, namespace: other}
spec: {clusterIP: None, ports: [{port: 9090}]}
---
kind: EndpointSlice
metadata: {name: peers, namespace: other, labels: {kubernetes.io/service-name: peers}}
addressType: IPv4
ports: [{name: "", port: 9090}]
endpoints:
- {addresses: [172.31.0.12], nodeName: node-2}
- {addresses: [10.244.9.98], conditions: {ready: false}}
)";

struct Asked {
  std::vector<std::string> services = {};
  std::vector<std::string> namespaces = {};
  bool udp = false;
  std::uint32_t probes = 0;
  std::uint32_t rate = 200;
};

PlanOptions options(const Asked& asked = {}) {
  PlanOptions result;
  result.reading = {true, asked.services, asked.namespaces, asked.udp, asked.probes, asked.rate};
  return result;
}

Result<Plan> plan_of(const PlanOptions& wanted, const Shape& shape = {.nodes = 2, .pods = 1, .ipv6 = false},
                     std::string_view text = kWorld) {
  const auto topology = make_topology(shape);
  auto world = world::read_world(text, "world.yaml");
  EXPECT_TRUE(world) << world.error().message;
  world->nodes = make_nodes(topology);
  return make_reading_plan(topology, *world, wanted);
}

std::vector<std::string> cells_with(const Plan& plan, std::string_view part) {
  std::vector<std::string> ids;
  for (const auto& cell : plan.stages.at(0).cells) {
    if (cell.id.contains(part)) ids.push_back(cell.id);
  }
  return ids;
}

const ProbeTask& task_of_cell(const Plan& plan, const Cell& cell) {
  for (const auto& planned : plan.stages[0].tasks) {
    if (planned.task.id == cell.tasks.at(0)) return planned.task;
  }
  throw std::out_of_range("no such task");
}

TEST(ReadingPlan, probes_every_entry_from_everywhere_and_publishes_nothing) {
  const auto plan = plan_of(options());
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->stages.size(), 1U);
  EXPECT_FALSE(plan->stages[0].publishes);
  EXPECT_THAT(cells_with(*plan, "clusterIP:web:http"),
              UnorderedElementsAre("existing/shop/node-1>clusterIP:web:http/tcp/ipv4",
                                   "existing/shop/node-1-pod-0>clusterIP:web:http/tcp/ipv4",
                                   "existing/shop/node-2>clusterIP:web:http/tcp/ipv4",
                                   "existing/shop/node-2-pod-0>clusterIP:web:http/tcp/ipv4"));
  EXPECT_EQ(cells_with(*plan, "nodePort:web:http@node-1").size(), 5U) << "four places and outside, at its own node";
  EXPECT_EQ(cells_with(*plan, "podIP:peers@node-2").size(), 4U);
  for (const auto& planned : plan->stages[0].tasks) {
    EXPECT_TRUE(planned.task.foreign);
    EXPECT_EQ(planned.task.method, Method::kTcpSyn);
  }
}

TEST(ReadingPlan, nobody_of_ours_answers_and_endpoints_have_their_own_names) {
  const auto plan = *plan_of(options());
  std::vector<std::string> names;
  for (const auto& responder : plan.responders) {
    EXPECT_TRUE(responder.foreign);
    names.push_back(responder.spec.place + ":" + std::to_string(responder.spec.port));
  }
  EXPECT_THAT(names, ElementsAre("web-abc:8080", "10.250.0.1:8080", "web-abc:5353", "10.250.0.1:5353", "node-2:9090",
                                 "10.244.9.98:9090"));
}

TEST(ReadingPlan, each_endpoint_that_may_answer_is_asked_straight_from_the_same_place) {
  const auto plan = *plan_of(options());
  const auto& stage = plan.stages[0];
  for (const auto& cell : stage.cells) {
    std::vector<std::string> ids;
    for (const auto index : cell.controls) ids.push_back(stage.controls[index].id);
    if (cell.id == "existing/shop/node-1>clusterIP:web:http/tcp/ipv4") {
      EXPECT_THAT(ids, UnorderedElementsAre("control/endpoint/node-1>web-abc:8080/tcp/ipv4",
                                            "control/endpoint/node-1>10.250.0.1:8080/tcp/ipv4"));
    }
    if (cell.flow.entry.service == "shop/empty") {
      EXPECT_TRUE(ids.empty());
      EXPECT_EQ(cell.expectation.outcomes, (OutcomeSet{false, true, false})) << cell.id;
    }
  }
}

TEST(ReadingPlan, what_is_not_probed_stands_there_with_its_reason) {
  const auto plan = *plan_of(options());
  std::map<std::string, std::string> reasons;
  for (const auto& each : plan.not_run) reasons[each.cell] = each.reason;
  EXPECT_EQ(reasons.size(), 3U);
  EXPECT_THAT(reasons["existing/shop/*>alias"], HasSubstr("a name in the DNS for example.org"));
  EXPECT_THAT(reasons["existing/other/*>mesh"], HasSubstr("left to the service proxy \"mesh\""));
  EXPECT_THAT(reasons["existing/shop/*>web:53/udp"], HasSubstr("--udp sends some"));
}

TEST(ReadingPlan, udp_is_probed_where_it_is_asked_for_and_connection_tracking_can_tell) {
  auto wanted = options({.udp = true});
  EXPECT_EQ(cells_with(*plan_of(wanted), "web:names/udp").size(), 4U);
  wanted.capabilities = {{"node-1", {"tcp-syn", "udp-crafted", "conntrack"}}, {"node-2", {"tcp-syn", "udp-crafted"}}};
  const auto plan = *plan_of(wanted);
  EXPECT_THAT(cells_with(plan, "web:names/udp"),
              UnorderedElementsAre("existing/shop/node-1>clusterIP:web:names/udp/ipv4",
                                   "existing/shop/node-1-pod-0>clusterIP:web:names/udp/ipv4"));
}

TEST(ReadingPlan, services_are_chosen_by_name_and_by_namespace) {
  const auto services = [](const Asked& asked) {
    std::set<std::string> result;
    const auto plan = plan_of(options(asked));
    for (const auto& cell : plan->stages[0].cells) result.insert(cell.flow.entry.service);
    return result;
  };
  EXPECT_THAT(services({.services = {"shop/w*"}}), ElementsAre("shop/web"));
  EXPECT_THAT(services({.namespaces = {"other"}}), ElementsAre("other/peers"));
  EXPECT_THAT(services({.services = {"shop/web"}, .namespaces = {"other"}}), ElementsAre("other/peers", "shop/web"));
  const auto wrong = plan_of(options({.services = {"shop/wep"}}));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message,
            "--service \"shop/wep\" matches nothing in the cluster; the closest are shop/web, shop/empty, shop/alias");
  EXPECT_FALSE(plan_of(options({.namespaces = {"shops"}})));
}

TEST(ReadingPlan, an_agent_s_tasks_together_keep_its_pace) {
  const auto plan = *plan_of(options({.rate = 50}));
  std::map<std::string, double> rates;
  for (const auto& planned : plan.stages[0].tasks)
    rates[planned.agent] += 1e6 / static_cast<double>(planned.task.interval.count());
  EXPECT_EQ(rates.size(), 3U) << "two nodes and the client outside";
  for (const auto& [agent, rate] : rates) EXPECT_NEAR(rate, 50, 0.01) << agent;
}

TEST(ReadingPlan, more_probes_are_sent_where_they_are_asked_for) {
  for (const std::uint32_t probes : {0U, 77U}) {
    const auto plan = *plan_of(options({.services = {"shop/web"}, .probes = probes}));
    for (const auto& cell : plan.stages[0].cells)
      EXPECT_EQ(task_of_cell(plan, cell).count, probes == 0 ? kLeastReadingProbes : probes) << cell.id;
  }
}

TEST(ReadingPlan, a_source_is_asserted_where_every_endpoint_is_a_pod) {
  const auto source_of = [](const Plan& plan, std::string_view cell) {
    for (const auto& each : plan.stages[0].cells) {
      if (each.id == cell) return each.expectation.source;
    }
    throw std::out_of_range("no such cell");
  };
  constexpr std::string_view kWeb = "existing/shop/node-1-pod-0>clusterIP:web:http/tcp/ipv4";
  const auto outside = *plan_of(options());
  EXPECT_EQ(source_of(outside, "existing/other/node-1>podIP:peers@node-2/tcp/ipv4"), SourceRule::kAny) << "a node's";
  EXPECT_EQ(source_of(outside, kWeb), SourceRule::kAny) << "one of them is nobody knows where";
  std::string text(kWorld);
  constexpr std::string_view kUnknown = "10.250.0.1]";
  text.replace(text.find(kUnknown), kUnknown.size(), "10.250.0.1], nodeName: node-2");
  EXPECT_EQ(source_of(*plan_of(options(), {.nodes = 2, .pods = 1, .ipv6 = false}, text), kWeb), SourceRule::kClient);
}

TEST(ReadingPlan, with_many_nodes_a_client_tries_node_ports_of_its_own_node_and_of_three_more) {
  const auto plan =
      *plan_of(options({.services = {"shop/web"}}), {.nodes = 7, .pods = 0, .ipv6 = false, .external = false});
  EXPECT_EQ(cells_with(plan, "node-6>nodePort").size(), 4U);
  EXPECT_EQ(cells_with(plan, "nodePort").size(), 28U);
}

// The chance to miss an endpoint is computed anew, by inclusion and exclusion.
TEST(ReadingProbes, are_enough_to_see_each_endpoint_in_999_of_1000_runs) {
  for (std::size_t endpoints = 1; endpoints <= 40; ++endpoints) {
    const auto probes = probes_to_see(endpoints);
    double all_seen = 0;
    double choose = 1;
    for (std::size_t missed = 0; missed <= endpoints; ++missed) {
      const auto left = static_cast<double>(endpoints - missed) / static_cast<double>(endpoints);
      all_seen += (missed % 2 == 0 ? 1 : -1) * choose * std::pow(left, probes);
      choose *= static_cast<double>(endpoints - missed) / static_cast<double>(missed + 1);
    }
    EXPECT_GE(all_seen, 0.999) << endpoints;
  }
  EXPECT_EQ(probes_to_see(5000), kMostReadingProbes);
  EXPECT_NEAR(share_missed_by(24), 0.117, 0.0005);
  EXPECT_NEAR(std::pow(1 - share_missed_by(100), 100), 0.05, 1e-9);
}

}  // namespace
}  // namespace conntruth::plan
