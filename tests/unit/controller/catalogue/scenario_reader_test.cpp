#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/catalogue/catalogue.hpp"

namespace conntruth::catalogue {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kTwoSteps = R"(id: example
title: An example
covers: [EC-01, service.label.proxy-name]
needs: {nodes: 2, pods: 1, zones: 0}
services:
  web:
    spec:
      type: NodePort
      ports:
        - {name: http, port: 80, protocol: TCP, targetPort: web}
    endpoints:
      - {on: first, variant: 1}
      - {on: last, terminating: true, hints: {zones: [own]}}
probes:
  - {from: [pod, external], to: [clusterIP, nodePort], clients: last, entries: others}
steps:
  - name: up
  - name: changed
    pause_ms: 50
    services:
      web:
        labels: {service.kubernetes.io/service-proxy-name: x}
        spec: {internalTrafficPolicy: Local}
    probes:
      - {from: [endpoint], to: [podIP], protocols: [UDP], rule: fixed-flow}
)";

TEST(ScenarioReader, gives_every_step_the_whole_state) {
  const auto scenario = read_scenario(kTwoSteps, "example.yaml");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario->id, "example");
  EXPECT_THAT(scenario->covers, ElementsAre("EC-01", "service.label.proxy-name"));
  EXPECT_EQ(scenario->needs_nodes, 2U);
  EXPECT_EQ(scenario->source, kTwoSteps);
  ASSERT_EQ(scenario->steps.size(), 2U);
  const auto& before = scenario->steps[0].services.at(0);
  const auto& after = scenario->steps[1].services.at(0);
  EXPECT_TRUE(before.service.labels.empty());
  EXPECT_EQ(before.service.internal_policy, world::TrafficPolicy::kCluster);
  EXPECT_EQ(after.service.internal_policy, world::TrafficPolicy::kLocal);
  EXPECT_EQ(after.service.type, world::ServiceType::kNodePort);
  EXPECT_EQ(after.endpoints, before.endpoints);
  EXPECT_TRUE(after.service.labels.contains("service.kubernetes.io/service-proxy-name"));
  EXPECT_EQ(scenario->steps[0].pause.count(), 0);
  EXPECT_EQ(scenario->steps[1].pause.count(), 50);
}

TEST(ScenarioReader, knows_what_left_out_means) {
  const auto scenario = *read_scenario(kTwoSteps, "example.yaml");
  const auto& endpoints = scenario.steps[0].services[0].endpoints;
  EXPECT_TRUE(endpoints[0].ready && endpoints[0].serving && !endpoints[0].terminating);
  EXPECT_TRUE(!endpoints[1].ready && endpoints[1].serving && endpoints[1].terminating);
  EXPECT_EQ(endpoints[0].pod, 0U);
  EXPECT_FALSE(endpoints[0].zone_hints);
  EXPECT_THAT(*endpoints[1].zone_hints, ElementsAre(NodeWord::kOwn));
  const auto& probe = scenario.steps[0].probes.at(0);
  EXPECT_EQ(probe.clients, NodeWord::kLast);
  EXPECT_EQ(probe.entries, NodeWord::kOthers);
  EXPECT_THAT(*probe.pods, ElementsAre(0U));
  EXPECT_EQ(scenario.steps[1].probes.at(0).rule, ProbeRule::kFixedFlow);
}

TEST(ScenarioReader, a_kept_connection_is_a_tcp_one) {
  const auto probing = [](std::string_view port, std::string_view more) {
    return read_scenario(
        fmt::format("id: kept\ntitle: Kept\nservices: {{web: {{spec: {{ports: [{}]}}, endpoints: [{{on: first}}]}}}}\n"
                    "probes: [{{from: [pod], to: [clusterIP], rule: kept-connection{}}}]\n",
                    port, more),
        "kept.yaml");
  };
  EXPECT_TRUE(probing("{name: tcp, port: 80}", ""));
  const auto wrong = probing("{name: tcp, port: 80}", ", protocols: [UDP]");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("protocols"));
  const auto none = probing("{name: udp, port: 80, protocol: UDP}", "");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("no probed service has a TCP port"));
}

TEST(ScenarioReader, gives_a_service_without_ports_one_of_tcp_and_one_of_udp) {
  const auto scenario = read_scenario(
      "id: a\ntitle: A\nservices: {web: {endpoints: []}}\nprobes: [{from: [pod], to: [clusterIP]}]\n", "a");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(scenario->steps.at(0).name, "steady");
  EXPECT_EQ(scenario->steps[0].services[0].service.ports.size(), 2U);
}

TEST(ScenarioReader, changes_all_services_by_a_star) {
  const auto scenario = read_scenario(
      "id: a\ntitle: A\nservices: {one: {}, two: {}, \"*\": {endpoints: [{on: last}]}}\n"
      "probes: [{from: [pod], to: [clusterIP]}]\n",
      "a");
  ASSERT_TRUE(scenario) << scenario.error().message;
  ASSERT_EQ(scenario->steps[0].services.size(), 2U);
  EXPECT_EQ(scenario->steps[0].services[0].endpoints.at(0).on, NodeWord::kLast);
  EXPECT_EQ(scenario->steps[0].services[1].endpoints.at(0).on, NodeWord::kLast);
}

constexpr std::string_view kHealth = R"(
id: a
title: A
services: {web: {spec: {type: LoadBalancer, externalTrafficPolicy: Local}}}
probes: [{from: [pod], to: [healthCheckNodePort, proxyHealthz, proxyLivez]}]
steps:
  - name: usual
  - name: leaving
    nodes: [{on: last, scaleDownTaint: true}, {on: first, deleting: true}]
  - name: still
  - name: back
    nodes: []
)";

TEST(ScenarioReader, keeps_what_becomes_of_nodes_until_it_is_said_otherwise) {
  const auto scenario = read_scenario(kHealth, "a");
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_TRUE(scenario->steps[0].nodes.empty());
  const std::vector<NodeSpec> leaving{{NodeWord::kLast, false, true}, {NodeWord::kFirst, true, false}};
  EXPECT_EQ(scenario->steps[1].nodes, leaving);
  EXPECT_EQ(scenario->steps[2].nodes, leaving);
  EXPECT_TRUE(scenario->steps[3].nodes.empty());
}

TEST(ScenarioReader, health_endpoints_are_asked_by_new_flows_and_of_services_that_have_them) {
  const auto message_of = [](std::string_view from, std::string_view to) {
    std::string text(kHealth);
    text.replace(text.find(from), from.size(), to);
    const auto scenario = read_scenario(text, "a");
    return scenario ? std::string() : scenario.error().message;
  };
  EXPECT_THAT(message_of("Local", "Cluster"),
              HasSubstr("no probed service has `type: LoadBalancer` with `externalTrafficPolicy: Local`"));
  EXPECT_THAT(message_of("proxyLivez]", "proxyLivez], rule: fixed-flow"), HasSubstr("asked by new flows"));
  EXPECT_THAT(message_of("proxyLivez]", "proxyLivez], protocols: [UDP]"), HasSubstr("have their own"));
  EXPECT_THAT(message_of("proxyLivez]", "proxyLivez], ports: [tcp]"), HasSubstr("no Service port"));
  EXPECT_THAT(message_of("on: last", "on: own"), HasSubstr("nobody's own"));
}

struct Wrong {
  std::string_view from;  // a part of kTwoSteps
  std::string_view to;
  std::string_view message;
};

class ScenarioMistake : public testing::TestWithParam<Wrong> {};

TEST_P(ScenarioMistake, is_named_with_file_line_and_field) {
  std::string text(kTwoSteps);
  const auto at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, GetParam().from.size(), GetParam().to);
  const auto scenario = read_scenario(text, "example.yaml");
  ASSERT_FALSE(scenario);
  EXPECT_EQ(scenario.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(scenario.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    ScenarioReader, ScenarioMistake,
    testing::Values(
        Wrong{"id: example", "id: Example", "example.yaml:1: scenario Example: id: \"Example\" must be at most"},
        Wrong{"id: example", "id: follow", "id: \"follow\" is a name that the plan itself uses"},
        Wrong{"title: An example\n", "", "scenario example: title: is required"},
        Wrong{"covers", "cover", "example.yaml:3: scenario example: cover: is not a known field"},
        Wrong{"{on: first", "{on: frist",
              "example.yaml:12: scenario example: services.web.endpoints[0].on: \"frist\" is not one of each, first"},
        Wrong{"variant: 1", "variant: many", "endpoints[0].variant: must be a whole number"},
        Wrong{
            "internalTrafficPolicy: Local", "internalTrafficPolcy: Local",
            "example.yaml:23: scenario example: steps[1].services.web.spec.internalTrafficPolcy: is not a known field"},
        Wrong{"protocol: TCP", "protocol: HTTP",
              "services.web.spec.ports[0].protocol: \"HTTP\" is not one of TCP, UDP"},
        Wrong{"{name: http, port: 80", "{port: 80", "services.web.spec.ports[0].name: is required"},
        Wrong{"type: NodePort", "clusterIP: 10.96.0.1", "spec.clusterIP: addresses are given by the planner"},
        Wrong{"type: NodePort", "type: ClusterIP", "probes[0].to[1]: no probed service has `type: NodePort`"},
        Wrong{"{on: last, terminating: true", "{on: last, ports: [https]",
              "endpoints[1].ports[0]: service \"web\" has no port \"https\""},
        Wrong{"from: [pod, external]", "from: []", "probes[0].from: is required"},
        Wrong{"to: [clusterIP, nodePort]", "to: [clusterIp]", "probes[0].to[0]: \"clusterIp\" is not one of clusterIP"},
        Wrong{"clients: last", "services: [wep]", "probes[0].services[0]: there is no service \"wep\""},
        Wrong{"clients: last", "ports: [https]", "probes[0].ports[0]: no probed service has a port \"https\""},
        Wrong{"name: changed", "name: up", "steps[1].name: a second step named \"up\""},
        Wrong{"    services:\n      web:\n        labels", "    services:\n      wep:\n        labels",
              "steps[1].services.wep: is a service that the scenario does not have"},
        Wrong{"pause_ms: 50", "pause_ms: 90000",
              "example.yaml:19: scenario example: steps[1].pause_ms: 90000 is out of range"}));

TEST(Catalogue, that_comes_with_the_program_loads) {
  const auto scenarios = load_catalogue(default_directory());
  ASSERT_TRUE(scenarios) << scenarios.error().message;
  EXPECT_GE(scenarios->size(), 40U);
  EXPECT_TRUE(std::ranges::is_sorted(*scenarios, {}, &Scenario::id));
}

TEST(Catalogue, says_where_it_looked) {
  const auto scenarios = load_catalogue("/nonexistent");
  ASSERT_FALSE(scenarios);
  EXPECT_EQ(scenarios.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(scenarios.error().message, HasSubstr("no scenarios in /nonexistent: No such file or directory"));
}

}  // namespace
}  // namespace conntruth::catalogue
