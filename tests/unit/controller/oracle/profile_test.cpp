// Facts of a profile laid over the specification's answers. The worlds are those of docs/findings; what is expected was
// seen in packets there.
#include "controller/oracle/profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/oracle/oracle.hpp"
#include "tests/unit/controller/oracle/shorthand.hpp"

namespace conntruth::oracle {
namespace {

using shorthand::flow_of;
using shorthand::world_of;
using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<std::string> kWeb{"web NodePort tcp:80>30080 etp=Local | tcp:5000 n1p0 n2p0 n3p0"};

Fact pods_are_local(bool own) {
  Fact fact{"pods-are-local", "pods are taken for local", {"finding 0001"}, {}, {}, {}};
  fact.when.rules = {"decided-by-node-port-owner", "etp-local"};
  fact.when.clients = {VantageKind::kPod};
  fact.then.cluster_endpoints = true;
  fact.then.masquerades_own = own;
  return fact;
}

Fact flows_stay() {
  Fact fact{"flows-stay", "flows stay", {"finding 0002"}, {}, {}, {}};
  fact.versions = {Version::parse("1.32"), Version::parse("1.37")};
  fact.when.rules = {"no-endpoints-refuse|no-endpoints-leaves-node"};
  fact.when.protocols = {Protocol::kUdp};
  fact.when.age = FlowAge::kExisting;
  fact.then.flow_stays = true;
  return fact;
}

// On all three nodes.
Profiles profiles_of(Fact fact, std::string_view version = "1.36.3") {
  Profiles profiles{{{"kp", "a proxy", "", {std::move(fact)}}}, {}};
  for (const auto* node : {"node-1", "node-2", "node-3"}) profiles.nodes[node] = {0, Version::parse(version)};
  return profiles;
}

Expectation laid_over(const Profiles& profiles, const world::World& world, const Flow& flow) {
  return overlay(profiles, world, flow, expect(world, flow).value());
}

std::vector<std::string> texts(const std::vector<SocketAddress>& addresses) {
  std::vector<std::string> result;
  for (const auto& address : addresses) result.push_back(address.to_string());
  return result;
}

TEST(Profile, only_replies_that_come_back_through_the_deciding_node_are_expected) {
  const auto world = world_of(kWeb, {});
  const auto seen = laid_over(profiles_of(pods_are_local(false)), world, flow_of("n2p1 -> nodePort n1:30080", "tcp4"));
  EXPECT_THAT(texts(seen.endpoints), ElementsAre("10.244.1.10:5000"));
  EXPECT_THAT(texts(seen.unanswered_at), ElementsAre("10.244.2.10:5000", "10.244.3.10:5000"));
  EXPECT_EQ(seen.outcomes, (OutcomeSet{true, false, true}));
  EXPECT_EQ(seen.spread, Spread::kUniform) << "each endpoint takes its share, whether its replies come back or not";
  EXPECT_EQ(seen.source, SourceRule::kClient);
}

TEST(Profile, the_fact_stands_last_in_the_chain_of_rules_with_its_source) {
  const auto world = world_of(kWeb, {});
  const auto seen = laid_over(profiles_of(pods_are_local(false)), world, flow_of("n2p1 -> nodePort n1:30080", "tcp4"));
  EXPECT_THAT(seen.profile_facts, ElementsAre("kp/pods-are-local"));
  EXPECT_EQ(seen.rules.back().id, "kp/pods-are-local");
  EXPECT_EQ(seen.rules.back().text, "node-1 runs a proxy: pods are taken for local");
  EXPECT_EQ(seen.rules.back().source, "finding 0001");
}

TEST(Profile, a_client_that_is_its_own_endpoint_is_answered_where_it_is_masqueraded) {
  const auto world = world_of(kWeb, {});
  const auto flow = flow_of("n2p0 -> nodePort n1:30080", "tcp6");
  EXPECT_THAT(texts(laid_over(profiles_of(pods_are_local(false)), world, flow).endpoints),
              ElementsAre("[fd44:0:0:1::a]:5000"));
  EXPECT_THAT(texts(laid_over(profiles_of(pods_are_local(true)), world, flow).endpoints),
              ElementsAre("[fd44:0:0:1::a]:5000", "[fd44:0:0:2::a]:5000"));
}

TEST(Profile, silence_is_expected_where_every_endpoint_is_elsewhere) {
  const auto world = world_of({"web NodePort tcp:80>30080 etp=Local | tcp:5000 n3p0"}, {});
  const auto seen = laid_over(profiles_of(pods_are_local(false)), world, flow_of("n2p1 -> nodePort n1:30080", "tcp4"));
  EXPECT_THAT(seen.endpoints, IsEmpty());
  EXPECT_THAT(texts(seen.unanswered_at), ElementsAre("10.244.3.10:5000"));
  EXPECT_EQ(seen.outcomes, (OutcomeSet{false, false, true}));
}

TEST(Profile, other_flows_and_other_nodes_are_judged_by_the_specification) {
  const auto world = world_of(kWeb, {});
  auto profiles = profiles_of(pods_are_local(false));
  for (const auto* text : {"n2 -> nodePort n1:30080", "x1 -> nodePort n1:30080", "n2p1 -> clusterIP vip:80"}) {
    const auto flow = flow_of(text, "tcp4");
    EXPECT_EQ(laid_over(profiles, world, flow), expect(world, flow).value()) << text;
  }
  profiles.nodes.erase("node-1");
  const auto flow = flow_of("n2p1 -> nodePort n1:30080", "tcp4");
  EXPECT_EQ(laid_over(profiles, world, flow), expect(world, flow).value());
}

TEST(Profile, a_udp_flow_stays_in_the_versions_of_the_fact_only) {
  const auto opened = world_of({"web ClusterIP dns:53 | dns:5000 n1p0"}, {});
  const auto now = world_of({"web ClusterIP dns:53"}, {});
  const auto flow = flow_of("n2p0 -> clusterIP vip:53", "udp4");
  const auto before = expect(opened, flow).value();
  const auto specified = expect_fixed_udp(before, flow, now).value();
  const auto stays = overlay_existing(profiles_of(flows_stay()), now, flow, before, specified);
  EXPECT_THAT(texts(stays.endpoints), ElementsAre("10.244.1.10:5000"));
  EXPECT_EQ(stays.outcomes, (OutcomeSet{true, false, false}));
  EXPECT_EQ(stays.source, before.source);
  EXPECT_EQ(overlay_existing(profiles_of(flows_stay(), "1.37"), now, flow, before, specified), specified);
  // A new flow is refused as ever.
  EXPECT_EQ(laid_over(profiles_of(flows_stay()), now, flow), expect(now, flow).value());
}

TEST(Profile, an_unknown_version_has_every_fact) {
  auto profiles = profiles_of(flows_stay());
  EXPECT_TRUE(profiles.profiles[0].facts[0].versions.contains(std::nullopt));
  EXPECT_TRUE(profiles.profiles[0].facts[0].versions.contains(Version::parse("v1.32")));
  EXPECT_FALSE(profiles.profiles[0].facts[0].versions.contains(Version::parse("1.31.9")));
}

TEST(Profile, a_connection_that_a_fact_is_about_is_recorded_only) {
  const auto world = world_of(kWeb, {});
  const auto flow = flow_of("n2p1 -> nodePort n1:30080", "tcp4");
  const auto specified = expect_established(world, flow, world).value();
  const auto seen = overlay_established(profiles_of(pods_are_local(false)), world, flow, specified);
  EXPECT_TRUE(specified.scored);
  EXPECT_FALSE(seen.scored);
  EXPECT_EQ(seen.rules.back().id, "kp/pods-are-local");
}

constexpr auto* kHeadless = "service.kubernetes.io/headless";
constexpr auto* kProxyName = "service.kubernetes.io/service-proxy-name";

Fact services_are_ignored() {
  Fact fact{"ignores-services", "does not look at them", {"finding 0005"}, {}, {}, {}};
  fact.when.rules = {"endpoints-listed|health-port"};
  fact.then.ignored_service_label = kHeadless;
  return fact;
}

TEST(Profile, an_ignored_service_is_judged_as_if_it_were_not_there) {
  const auto labelled =
      world_of({"web NodePort tcp:80>30080 label=service.kubernetes.io/headless | tcp:5000 n1p0"}, {});
  const auto profiles = profiles_of(services_are_ignored());
  for (const auto* text : {"n2p1 -> clusterIP vip:80", "x1 -> nodePort n1:30080"}) {
    const auto seen = laid_over(profiles, labelled, flow_of(text, "tcp4"));
    EXPECT_EQ(seen.outcomes, (OutcomeSet{false, true, true})) << text;
    EXPECT_THAT(seen.profile_facts, ElementsAre("kp/ignores-services")) << text;
  }
  const auto plain = world_of({"web NodePort tcp:80>30080 | tcp:5000 n1p0"}, {});
  EXPECT_THAT(laid_over(profiles, plain, flow_of("n2p1 -> clusterIP vip:80", "tcp4")).profile_facts, IsEmpty());
}

TEST(Profile, an_ignored_slice_changes_what_the_other_facts_are_held_against) {
  const auto world = world_of({"web NodePort tcp:80>30080 etp=Local | tcp:5000 n1p0 | tcp:5000 "
                               "label=service.kubernetes.io/service-proxy-name n3p0"},
                              {});
  auto profiles = profiles_of(pods_are_local(false));
  Fact slices{"ignores-slices", "does not look at them", {"finding 0005"}, {}, {}, {}};
  slices.when.rules = {"endpoints-listed"};
  slices.then.ignored_slice_label = kProxyName;
  profiles.profiles[0].facts.push_back(std::move(slices));
  const auto flow = flow_of("n2p1 -> nodePort n3:30080", "tcp4");
  const auto seen = laid_over(profiles, world, flow);
  EXPECT_THAT(seen.profile_facts, ElementsAre("kp/ignores-slices", "kp/pods-are-local"));
  EXPECT_THAT(texts(seen.unanswered_at), ElementsAre("10.244.1.10:5000"));
}

TEST(Profile, an_own_endpoint_that_no_slice_puts_on_its_node_is_lost) {
  auto world = world_of({"web ClusterIP tcp:80 | tcp:5000 n1p0 n2p0"}, {});
  Fact fact{"own-elsewhere", "is lost", {"finding 0005"}, {}, {}, {}};
  fact.when.rules = {"source-hairpin", "itp-cluster|etp-local-short-circuit"};
  fact.then.loses_own_elsewhere = true;
  const auto profiles = profiles_of(fact);
  const auto flow = flow_of("n1p0 -> clusterIP vip:80", "tcp4");
  EXPECT_THAT(laid_over(profiles, world, flow).profile_facts, IsEmpty()) << "a fact that changes nothing is not named";
  for (auto& slice : world.slices) {
    for (auto& endpoint : slice.endpoints) endpoint.node_name.clear();
  }
  const auto seen = laid_over(profiles, world, flow);
  EXPECT_THAT(seen.profile_facts, ElementsAre("kp/own-elsewhere"));
  EXPECT_THAT(texts(seen.endpoints), ElementsAre("10.244.2.10:5000"));
  EXPECT_THAT(texts(seen.unanswered_at), ElementsAre("10.244.1.10:5000"));
  EXPECT_EQ(seen.outcomes, (OutcomeSet{true, false, true}));
  EXPECT_THAT(laid_over(profiles, world, flow_of("n2p1 -> clusterIP vip:80", "tcp4")).profile_facts, IsEmpty());
  const auto other = world_of({"api ClusterIP tcp:80 | tcp:5000 n1p0"}, {});
  world.services.push_back(other.services[0]);
  world.slices.insert(world.slices.end(), other.slices.begin(), other.slices.end());
  world.services.back().cluster_ips.clear();
  EXPECT_THAT(laid_over(profiles, world, flow).profile_facts, IsEmpty()) << "another Service puts it on its node";
}

TEST(Profile, flows_that_may_go_to_an_endpoint_that_does_not_serve_are_recorded_where_another_serves) {
  Fact fact{"cut", "is cut", {"finding 0007"}, {}, {}, {}};
  fact.when.rules = {"endpoints-listed"};
  fact.when.protocols = {Protocol::kUdp};
  fact.then.records_not_serving = true;
  const auto profiles = profiles_of(fact);
  const auto udp = flow_of("n3p1 -> clusterIP vip:80", "udp4");
  const auto beside =
      laid_over(profiles, world_of({"web ClusterIP udp:80,tcp:80 | udp:5000,tcp:5000 n1p0* n2p0"}, {}), udp);
  EXPECT_FALSE(beside.scored);
  EXPECT_THAT(beside.profile_facts, ElementsAre("kp/cut"));
  EXPECT_TRUE(laid_over(profiles, world_of({"web ClusterIP udp:80,tcp:80 | udp:5000,tcp:5000 n1p0* n2p0"}, {}),
                        flow_of("n3p1 -> clusterIP vip:80", "tcp4"))
                  .scored);
  EXPECT_TRUE(laid_over(profiles, world_of({"web ClusterIP udp:80 | udp:5000 n1p0*"}, {}), udp).scored)
      << "it is the only one: its entries are left alone";
  EXPECT_TRUE(laid_over(profiles, world_of({"web ClusterIP udp:80 | udp:5000 n1p0 n2p0"}, {}), udp).scored);
}

TEST(Version, is_two_or_three_numbers) {
  EXPECT_EQ(Version::parse("v1.36.3")->to_string(), "1.36.3");
  EXPECT_EQ(Version::parse("1.36")->to_string(), "1.36");
  for (const auto* text : {"", "1", "v", "1.", "1.2.3.4", "1.x", "1.2-rc1"}) EXPECT_FALSE(Version::parse(text)) << text;
  EXPECT_LT(*Version::parse("1.9"), *Version::parse("1.36"));
}

}  // namespace
}  // namespace conntruth::oracle
