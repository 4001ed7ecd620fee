// Which nodes take part, under which names and in which families, and what is said about the rest.
#include "controller/cluster/cluster_topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conntruth::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

NodeFacts node(const std::string& name, std::vector<IpAddress> addresses) {
  NodeFacts facts;
  facts.node.name = name;
  facts.node.addresses = std::move(addresses);
  facts.node.labels = {{std::string(world::kZoneLabel), "zone-a"}};
  return facts;
}

PodFacts pod(const std::string& node, const std::string& component, int ordinal, std::vector<IpAddress> addresses) {
  return {component + "-of-" + node, node, component, ordinal, std::move(addresses), true, "Running"};
}

ClusterFacts two_nodes() {
  ClusterFacts facts;
  facts.nodes = {node("a", {ip("192.0.2.1"), ip("2001:db8::1")}), node("b", {ip("192.0.2.2"), ip("2001:db8::2")})};
  for (const auto* name : {"a", "b"}) {
    facts.pods.push_back(pod(name, "agent", -1, {}));
    for (const int ordinal : {0, 1}) {
      const auto last = std::to_string(ordinal + (name[0] == 'a' ? 10 : 20));
      facts.pods.push_back(
          pod(name, "anchor", ordinal, {ip(("10.0.0." + last).c_str()), ip(("fd00::" + last).c_str())}));
    }
  }
  facts.service_ranges = {*Prefix::parse("10.96.0.0/16"), *Prefix::parse("fd00:96::/112")};
  return facts;
}

TEST(ClusterTopology, names_the_anchors_as_agents_name_their_places) {
  const auto made = topology_of(two_nodes(), {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->uncovered, IsEmpty());
  ASSERT_EQ(made->topology.nodes.size(), 2U);
  const auto* anchor = made->topology.pod("b-pod-1");
  ASSERT_NE(anchor, nullptr);
  EXPECT_THAT(anchor->addresses, ElementsAre(ip("10.0.0.21"), ip("fd00::21")));
  EXPECT_EQ(made->topology.nodes[0].zone, "zone-a");
}

TEST(ClusterTopology, leaves_out_a_family_without_a_service_range) {
  auto facts = two_nodes();
  facts.service_ranges.pop_back();
  const auto made = topology_of(facts, {});
  ASSERT_TRUE(made);
  EXPECT_THAT(made->topology.nodes[0].addresses, ElementsAre(ip("192.0.2.1")));
  EXPECT_THAT(made->topology.nodes[0].pods[0].addresses, ElementsAre(ip("10.0.0.10")));
}

TEST(ClusterTopology, says_of_each_node_that_is_left_out_why) {
  auto facts = two_nodes();
  facts.nodes.push_back(node("sick", {ip("192.0.2.3")}));
  facts.nodes.back().ready = false;
  facts.nodes.back().why = "KubeletNotReady: no network";
  facts.nodes.push_back(node("bare", {ip("192.0.2.4")}));
  facts.nodes.back().node.taints = {{"gpu", "yes", "NoExecute"}};
  facts.nodes.push_back(node("half", {ip("192.0.2.5")}));
  facts.pods.push_back(pod("half", "agent", -1, {}));
  facts.pods.push_back(pod("half", "anchor", 0, {ip("10.0.0.30")}));
  facts.pods.push_back(pod("half", "anchor", 1, {}));
  facts.pods.back().ready = false;
  facts.pods.back().state = "ImagePullBackOff";
  const auto made = topology_of(facts, {});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->topology.nodes.size(), 2U);
  EXPECT_THAT(made->uncovered, ElementsAre("sick is not ready: KubeletNotReady: no network",
                                           "bare has no agent (the node's taints: gpu=yes:NoExecute)",
                                           "half: anchor 1 anchor-of-half is not ready: ImagePullBackOff"));
}

TEST(ClusterTopology, takes_the_ready_one_of_two_pods_of_a_rollout) {
  auto facts = two_nodes();
  auto old = pod("a", "anchor", 0, {ip("10.0.0.99")});
  old.ready = false;
  facts.pods.insert(facts.pods.begin(), old);
  facts.pods.push_back(old);
  const auto made = topology_of(facts, {});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->topology.pod("a-pod-0")->addresses.front(), ip("10.0.0.10"));
}

TEST(ClusterTopology, without_any_node_is_an_error_that_says_why_of_each) {
  auto facts = two_nodes();
  facts.pods.clear();
  const auto made = topology_of(facts, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(made.error().message, HasSubstr("a has no agent; b has no agent"));
}

TEST(ClusterTopology, passes_on_what_others_have) {
  auto facts = two_nodes();
  facts.taken_addresses = {ip("10.96.0.1")};
  facts.taken_node_ports = {30001};
  const auto made = topology_of(facts, {});
  ASSERT_TRUE(made);
  EXPECT_THAT(made->topology.ranges.taken_addresses, ElementsAre(ip("10.96.0.1")));
  EXPECT_THAT(made->topology.ranges.taken_node_ports, ElementsAre(30001));
}

TEST(ClusterTopology, does_not_touch_a_namespace_with_services_of_others) {
  auto facts = two_nodes();
  facts.services_in_our_way = {"clusterip-web"};
  const auto made = topology_of(facts, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::kConflict);
  EXPECT_THAT(made.error().message, HasSubstr("clusterip-web"));
}

TEST(ClusterTopology, needs_a_service_range) {
  auto facts = two_nodes();
  facts.service_ranges.clear();
  const auto made = topology_of(facts, {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("--service-range"));
}

}  // namespace
}  // namespace conntruth::cluster
