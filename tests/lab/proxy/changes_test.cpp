// What one change of the world does to the kernel's tables: only what it must, all of it or nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/proxy/ruleset_diff.hpp"
#include "tests/lab/proxy/small_cluster.hpp"
#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

world::World plain(std::vector<world::Endpoint> endpoints) { return web_world(Protocol::kTcp, std::move(endpoints)); }

TEST(Changes, the_same_world_again_changes_nothing) {
  SmallCluster cluster;
  EXPECT_GT(cluster.apply(web({Host::kPodA})).changed, 20U);
  const auto before = cluster.ruleset();
  EXPECT_EQ(cluster.apply(web({Host::kPodA})).changed, 0U);
  EXPECT_EQ(cluster.ruleset(), before);
}

TEST(Changes, a_new_endpoint_rewrites_its_chain_and_notes_the_hairpin) {
  SmallCluster cluster;
  cluster.apply(plain({endpoint("10.244.1.10", "node-1")}));
  const auto applied = cluster.apply(plain({endpoint("10.244.1.10", "node-1"), endpoint("10.244.2.10", "node-2")}));
  EXPECT_EQ(applied.changed, 2U) << "chain cluster/default/web/tcp/80 and an element of hairpins";
}

TEST(Changes, going_back_restores_the_very_ruleset) {
  SmallCluster cluster;
  cluster.apply(web({Host::kPodA}));
  const auto before = cluster.ruleset();
  auto other = web({Host::kPodB, Host::kRemotePod});
  other.services[0].affinity_timeout_s = 10;
  other.services[0].external_policy = world::TrafficPolicy::kLocal;
  other.services[0].source_ranges = {prefix("192.0.2.0/24")};
  other.nodes[1].pod_cidrs = {prefix("10.244.3.0/24")};
  cluster.apply(other);
  EXPECT_NE(cluster.ruleset(), before);
  cluster.apply(web({Host::kPodA}));
  EXPECT_EQ(cluster.ruleset(), before);
}

TEST(Changes, what_others_did_elsewhere_stays) {
  SmallCluster cluster;
  auto world = plain({endpoint("10.244.1.10", "node-1")});
  cluster.apply(world);
  cluster.node_.sh("nft insert rule ip conntruth cluster/default/web/tcp/80 counter drop");
  world.services.push_back(service("other", {ip("10.96.0.11")}, {port("", Protocol::kTcp, 80)}));
  EXPECT_EQ(cluster.apply(world).changed, 2U) << "an element of cluster-ips and one of unserved-ips";
  EXPECT_THAT(cluster.ruleset(), HasSubstr("counter"));
}

TEST(Changes, tables_that_others_broke_are_written_anew_and_that_is_told) {
  SmallCluster cluster;
  cluster.apply(web({Host::kPodA}));
  const auto before = cluster.ruleset();
  cluster.node_.sh("nft delete table ip conntruth");
  auto world = web({Host::kPodA});
  world.services.push_back(service("other", {ip("10.96.0.11")}, {port("", Protocol::kTcp, 80)}));
  EXPECT_THAT(cluster.apply(world).warning, HasSubstr("written anew"));
  cluster.apply(web({Host::kPodA}));
  EXPECT_EQ(cluster.ruleset(), before);
}

TEST(Changes, what_nftables_refuses_changes_nothing_and_names_the_command) {
  SmallCluster cluster;
  cluster.apply(web({Host::kPodA}));
  const auto before = cluster.ruleset();
  auto bad = web({Host::kPodB});
  bad.services.push_back(service(std::string(400, 'x'), {ip("10.96.0.11")}, {port("", Protocol::kTcp, 80)}));
  bad.slices.push_back(slice(bad.services[1], {endpoint("10.244.1.10", "node-1")}, {{"", Protocol::kTcp, 80}}));
  const auto refused = cluster.try_apply(bad);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("name too long"));
  EXPECT_EQ(cluster.ruleset(), before);
  EXPECT_EQ(cluster.apply(web({Host::kPodA})).changed, 0U) << "it still knows what is in the kernel";
}

TEST(Changes, other_tables_are_never_touched) {
  SmallCluster cluster;
  cluster.node_.sh("nft add table ip kube-proxy; nft add chain ip kube-proxy mine; nft add table inet conntruth");
  cluster.apply(web({Host::kPodA}));
  cluster.node_.in([] {
    auto nftables = Nftables::open();
    ASSERT_TRUE(nftables);
    ASSERT_TRUE(nftables->apply(removal()));
  });
  EXPECT_EQ(cluster.ruleset(), "table ip kube-proxy {\n\tchain mine {\n\t}\n}\ntable inet conntruth {\n}\n");
}

TEST(Changes, the_label_that_hands_a_service_to_others_acts_at_once_both_ways) {
  SmallCluster cluster;
  cluster.listen(Host::kPodB, Family::kIpv4, kTargetPort);
  const SocketAddress entry{external_ip(Family::kIpv4), kPort};
  auto world = web({Host::kPodB});
  for (const auto* round : {"first", "second"}) {
    world.services[0].labels.clear();
    cluster.apply(world);
    EXPECT_EQ(cluster.probe(Host::kPodA, entry, Protocol::kTcp).by, address_of(Host::kPodB, Family::kIpv4)) << round;
    world.services[0].labels[std::string(world::kProxyNameLabel)] = "another";
    cluster.apply(world);
    EXPECT_EQ(cluster.probe(Host::kPodA, entry, Protocol::kTcp).by, entry.address) << "left to others, " << round;
  }
}

}  // namespace
}  // namespace conntruth::lab_proxy::test
