#include "lab/proxy/ruleset_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/proxy/base_chains.hpp"
#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

const BuildOptions kOptions{"node-1", {test::prefix("10.96.0.0/16"), test::prefix("fd00:96::/112")}};
constexpr const char* kWeb = "10.96.0.10 . tcp . 80";
constexpr const char* kReject = "goto reject-port-unreachable";

Table v4(const world::World& world) { return build_ruleset(world, kOptions).tables.at(Family::kIpv4); }
Table v6(const world::World& world) { return build_ruleset(world, kOptions).tables.at(Family::kIpv6); }
const auto& elements(const Table& table, const char* set) { return table.sets.at(set).elements; }
const auto& rules(const Table& table, const char* chain) { return table.chains.at(chain).rules; }

world::World here_and_there() {
  return test::web_world(Protocol::kTcp,
                         {test::endpoint("10.244.1.10", "node-1"), test::endpoint("10.244.2.10", "node-2")}, 30080);
}
world::World there() { return test::web_world(Protocol::kTcp, {test::endpoint("10.244.2.10", "node-2")}, 30080); }
world::World nowhere() { return test::web_world(Protocol::kTcp, {}, 30080); }

world::World balanced(world::World world) {
  auto& service = world.services[0];
  service.type = world::ServiceType::kLoadBalancer;
  service.ingress = {{test::ip("198.51.100.1"), world::IpMode::kVip},
                     {test::ip("198.51.100.2"), world::IpMode::kProxy}};
  return world;
}

TEST(Ruleset, cluster_ip_is_spread_evenly_over_all) {
  const auto table = v4(here_and_there());
  EXPECT_THAT(elements(table, kServiceIps), ElementsAre(Pair(kWeb, "goto cluster/default/web/tcp/80")));
  EXPECT_THAT(rules(table, "cluster/default/web/tcp/80"),
              ElementsAre("numgen random mod 2 == 0 meta l4proto tcp dnat to 10.244.1.10:8080",
                          "meta l4proto tcp dnat to 10.244.2.10:8080"));
  EXPECT_THAT(elements(table, kClusterIps), ElementsAre(Pair("10.96.0.10", "")));
}

TEST(Ruleset, internal_local_uses_the_endpoints_here) {
  auto world = here_and_there();
  world.services[0].internal_policy = world::TrafficPolicy::kLocal;
  const auto table = v4(world);
  EXPECT_THAT(elements(table, kServiceIps), ElementsAre(Pair(kWeb, "goto local/default/web/tcp/80")));
  EXPECT_THAT(rules(table, "local/default/web/tcp/80"), ElementsAre("meta l4proto tcp dnat to 10.244.1.10:8080"));
}

TEST(Ruleset, internal_local_without_an_endpoint_here_drops) {
  auto world = there();
  world.services[0].internal_policy = world::TrafficPolicy::kLocal;
  const auto table = v4(world);
  EXPECT_THAT(elements(table, kServiceIps), ElementsAre());
  EXPECT_THAT(elements(table, kUnservedIps), ElementsAre(Pair(kWeb, "drop")));
}

TEST(Ruleset, without_any_endpoint_every_entry_is_refused_whatever_the_policy) {
  for (const auto policy : {world::TrafficPolicy::kCluster, world::TrafficPolicy::kLocal}) {
    auto world = balanced(nowhere());
    world.services[0].external_ips = {test::ip("203.0.113.1")};
    world.services[0].internal_policy = policy;
    world.services[0].external_policy = policy;
    const auto table = v4(world);
    EXPECT_THAT(elements(table, kServiceIps), ElementsAre());
    EXPECT_THAT(elements(table, kServiceNodePorts), ElementsAre());
    EXPECT_THAT(elements(table, kUnservedIps),
                ElementsAre(Pair(kWeb, kReject), Pair("198.51.100.1 . tcp . 80", kReject),
                            Pair("203.0.113.1 . tcp . 80", kReject)));
    EXPECT_THAT(elements(table, kUnservedNodePorts), ElementsAre(Pair("tcp . 30080", kReject)));
  }
}

TEST(Ruleset, external_cluster_hides_the_client) {
  auto world = here_and_there();
  world.services[0].external_ips = {test::ip("203.0.113.1")};
  const auto table = v4(world);
  EXPECT_THAT(elements(table, kServiceNodePorts), ElementsAre(Pair("tcp . 30080", "goto nodeport/default/web/tcp/80")));
  EXPECT_THAT(elements(table, kServiceIps),
              Contains(Pair("203.0.113.1 . tcp . 80", "goto external/default/web/tcp/80")));
  for (const auto* chain : {"external/default/web/tcp/80", "nodeport/default/web/tcp/80"}) {
    EXPECT_THAT(rules(table, chain), ElementsAre(kMarkForMasquerade, "goto cluster/default/web/tcp/80"));
  }
}

TEST(Ruleset, external_local_keeps_clients_from_outside_and_sends_those_from_inside_anywhere) {
  auto world = here_and_there();
  world.services[0].external_ips = {test::ip("203.0.113.1")};
  world.services[0].external_policy = world::TrafficPolicy::kLocal;
  const auto table = v4(world);
  const std::string from_here =
      std::string("fib saddr type local ") + kMarkForMasquerade + " goto cluster/default/web/tcp/80";
  EXPECT_THAT(
      rules(table, "external/default/web/tcp/80"),
      ElementsAre("ip saddr @pod-cidrs goto cluster/default/web/tcp/80", from_here, "goto local/default/web/tcp/80"));
  EXPECT_THAT(rules(table, "nodeport/default/web/tcp/80"),
              ElementsAre("ip saddr @own-pod-cidrs goto cluster/default/web/tcp/80", from_here,
                          "goto local/default/web/tcp/80"));
}

TEST(Ruleset, external_local_without_an_endpoint_here_drops_what_is_not_short_circuited) {
  auto world = balanced(there());
  world.services[0].external_policy = world::TrafficPolicy::kLocal;
  const auto table = v4(world);
  EXPECT_EQ(rules(table, "external/default/web/tcp/80").size(), 2U);
  EXPECT_THAT(elements(table, kUnservedIps), ElementsAre(Pair("198.51.100.1 . tcp . 80", "drop")));
  EXPECT_THAT(elements(table, kUnservedNodePorts), ElementsAre(Pair("tcp . 30080", "drop")));
  EXPECT_THAT(elements(table, kServiceIps), Contains(Pair(kWeb, "goto cluster/default/web/tcp/80")));
}

TEST(Ruleset, balancer_addresses_of_mode_proxy_are_left_alone) {
  const auto table = v4(balanced(here_and_there()));
  EXPECT_THAT(elements(table, kServiceIps),
              Contains(Pair(HasSubstr("198.51.100.1"), "goto external/default/web/tcp/80")));
  EXPECT_THAT(elements(table, kServiceIps), Not(Contains(Pair(HasSubstr("198.51.100.2"), ::testing::_))));
}

TEST(Ruleset, source_ranges_guard_the_balancer_address_only) {
  auto world = balanced(here_and_there());
  world.services[0].external_ips = {test::ip("203.0.113.1")};
  world.services[0].source_ranges = {test::prefix("192.0.2.0/24"), test::prefix("192.0.2.0/28"),
                                     test::prefix("2001:db8::/32")};
  const auto table = v4(world);
  EXPECT_THAT(elements(table, kServiceIps),
              Contains(Pair("198.51.100.1 . tcp . 80", "goto balancer/default/web/tcp/80")));
  EXPECT_THAT(elements(table, kServiceIps),
              Contains(Pair("203.0.113.1 . tcp . 80", "goto external/default/web/tcp/80")));
  EXPECT_THAT(rules(table, "balancer/default/web/tcp/80"),
              ElementsAre("ip saddr { 192.0.2.0/24 } goto external/default/web/tcp/80", "drop"));
}

TEST(Ruleset, source_ranges_with_the_node_in_them_admit_local_processes) {
  auto world = balanced(nowhere());
  world.services[0].source_ranges = {test::prefix("172.31.0.0/24")};
  EXPECT_THAT(rules(v4(world), "balancer/default/web/tcp/80"),
              ElementsAre("ip saddr { 172.31.0.0/24 } return", "fib saddr type local return", "drop"));
}

TEST(Ruleset, affinity_asks_the_endpoints_memories_before_it_chooses) {
  auto world = here_and_there();
  world.services[0].affinity_timeout_s = 60;
  const auto table = v4(world);
  const std::string first = "affinity/default/web/tcp/80/10.244.1.10/8080";
  const std::string second = "affinity/default/web/tcp/80/10.244.2.10/8080";
  const auto note = [](const std::string& set) {
    return "update @" + set + " { ip saddr timeout 60s } meta l4proto tcp dnat to ";
  };
  EXPECT_THAT(
      rules(table, "cluster/default/web/tcp/80"),
      ElementsAre("ip saddr @" + first + " " + note(first) + "10.244.1.10:8080",
                  "ip saddr @" + second + " " + note(second) + "10.244.2.10:8080",
                  "numgen random mod 2 == 0 " + note(first) + "10.244.1.10:8080", note(second) + "10.244.2.10:8080"));
  EXPECT_TRUE(table.sets.contains(first));
}

TEST(Ruleset, services_that_are_not_ours_leave_no_trace) {
  const auto same_as_empty = [](const world::World& world) {
    world::World empty;
    empty.nodes = world.nodes;
    return build_ruleset(world, kOptions) == build_ruleset(empty, kOptions);
  };
  auto labelled = here_and_there();
  EXPECT_FALSE(same_as_empty(labelled));
  labelled.services[0].labels[std::string(world::kProxyNameLabel)] = "";
  EXPECT_TRUE(same_as_empty(labelled));
  auto headless = here_and_there();
  headless.services[0].headless = true;
  EXPECT_TRUE(same_as_empty(headless));
  auto external_name = here_and_there();
  external_name.services[0].type = world::ServiceType::kExternalName;
  EXPECT_TRUE(same_as_empty(external_name));
}

TEST(Ruleset, slices_that_are_labelled_headless_are_nobodys_to_serve) {
  auto labelled = here_and_there();
  for (auto& slice : labelled.slices) slice.labels[std::string(world::kHeadlessLabel)] = "";
  EXPECT_EQ(build_ruleset(labelled, kOptions), build_ruleset(nowhere(), kOptions));
}

// core/v1 IsHeadlessService is a label of endpoints, KEP-2447's service-proxy-name one of Services.
TEST(Ruleset, labels_at_the_wrong_kind_of_object_mean_nothing) {
  auto labelled = here_and_there();
  labelled.services[0].labels[std::string(world::kHeadlessLabel)] = "";
  for (auto& slice : labelled.slices) slice.labels[std::string(world::kProxyNameLabel)] = "another";
  EXPECT_EQ(build_ruleset(labelled, kOptions), build_ruleset(here_and_there(), kOptions));
}

// discovery/v1 EndpointConditions.serving: nil is true.
TEST(Ruleset, terminating_endpoints_that_do_not_say_whether_they_serve_do) {
  auto silent = here_and_there();
  for (auto& endpoint : silent.slices[0].endpoints) {
    endpoint.ready = false;
    endpoint.serving.reset();
    endpoint.terminating = true;
  }
  auto said = silent;
  for (auto& endpoint : said.slices[0].endpoints) endpoint.serving = true;
  EXPECT_EQ(build_ruleset(silent, kOptions), build_ruleset(said, kOptions));
  for (auto& endpoint : said.slices[0].endpoints) endpoint.serving = false;
  EXPECT_NE(build_ruleset(silent, kOptions), build_ruleset(said, kOptions));
}

TEST(Ruleset, families_are_apart) {
  auto world = here_and_there();
  EXPECT_THAT(elements(v6(world), kServiceNodePorts), ElementsAre());
  EXPECT_THAT(elements(v6(world), kUnservedNodePorts), ElementsAre());
  world.services[0].cluster_ips.push_back(test::ip("fd00:96::a"));
  EXPECT_THAT(elements(v6(world), kUnservedIps), ElementsAre(Pair("fd00:96::a . tcp . 80", kReject)));
  world.slices.push_back(
      test::slice(world.services[0], {test::endpoint("fd44:0:0:2::a", "node-2")}, {{"", Protocol::kTcp, 8080}}));
  EXPECT_THAT(rules(v6(world), "cluster/default/web/tcp/80"),
              ElementsAre("meta l4proto tcp dnat to [fd44:0:0:2::a]:8080"));
}

TEST(Ruleset, one_port_with_three_protocols_is_three_entries) {
  auto world = here_and_there();
  world.services[0].ports = {test::port("t", Protocol::kTcp, 80), test::port("u", Protocol::kUdp, 80),
                             test::port("s", Protocol::kSctp, 80)};
  world.slices[0].ports = {{"t", Protocol::kTcp, 1}, {"u", Protocol::kUdp, 2}};
  const auto table = v4(world);
  EXPECT_EQ(elements(table, kServiceIps).size(), 2U);
  EXPECT_THAT(rules(table, "cluster/default/web/udp/80"), Contains("meta l4proto udp dnat to 10.244.2.10:2"));
  EXPECT_THAT(elements(table, kUnservedIps), ElementsAre(Pair("10.96.0.10 . sctp . 80", kReject)));
}

TEST(Ruleset, without_pod_cidrs_nobody_is_taken_for_off_cluster) {
  auto world = here_and_there();
  EXPECT_THAT(rules(v4(world), "services"), Contains(HasSubstr("ip saddr != @pod-cidrs")));
  for (auto& each : world.nodes) each.pod_cidrs.clear();
  EXPECT_THAT(rules(v4(world), "services"), Not(Contains(HasSubstr("@pod-cidrs"))));
}

TEST(Ruleset, a_change_of_one_endpoint_changes_only_its_service) {
  auto world = here_and_there();
  world.services.push_back(test::service("other", {test::ip("10.96.0.11")}, {test::port("", Protocol::kTcp, 80)}));
  const auto before = v4(world);
  world.slices[0].endpoints.pop_back();
  auto after = v4(world);
  EXPECT_NE(before, after);
  after.chains.at("cluster/default/web/tcp/80") = before.chains.at("cluster/default/web/tcp/80");
  after.sets.at(kHairpins) = before.sets.at(kHairpins);
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace conntruth::lab_proxy
