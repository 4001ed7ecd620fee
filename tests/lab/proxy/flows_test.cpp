// What stays with a flow or a client: affinity, UDP conntrack entries, established TCP.

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <set>

#include "tests/lab/proxy/small_cluster.hpp"
#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy::test {
namespace {

class Flows : public ::testing::TestWithParam<Family> {
 protected:
  Flows() {
    for (const auto host : {Host::kPodA, Host::kPodB, Host::kRemotePod, Host::kOtherRemotePod}) {
      cluster_.listen(host, GetParam(), kTargetPort);
    }
  }
  static IpAddress of(Host host) { return address_of(host, GetParam()); }
  Outcome probe(Host from, const SocketAddress& target, Protocol protocol, std::uint16_t source_port = 0) {
    return cluster_.probe(from, target, protocol, source_port);
  }
  // Always the same UDP flow.
  Outcome same_flow(const SocketAddress& target, Host from = Host::kPodA) {
    return probe(from, target, Protocol::kUdp, 4242);
  }
  static SocketAddress service() { return {cluster_ip(GetParam()), kPort}; }

  SmallCluster cluster_;
};

world::World sticky(std::uint32_t seconds, const std::vector<Host>& endpoints) {
  auto world = web(endpoints);
  world.services[0].affinity_timeout_s = seconds;
  return world;
}

TEST_P(Flows, affinity_binds_a_client_to_one_endpoint) {
  const auto world = sticky(100, {Host::kPodB, Host::kRemotePod, Host::kOtherRemotePod});
  cluster_.apply(world);
  for (const auto protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
    const auto first = probe(Host::kPodA, service(), protocol);
    ASSERT_EQ(first.fate, Fate::kReplied);
    for (int i = 0; i < 15; ++i) EXPECT_EQ(probe(Host::kPodA, service(), protocol), first);
  }
}

TEST_P(Flows, affinity_holds_over_changes_elsewhere_and_ends_with_the_endpoint) {
  const std::vector all = {Host::kPodB, Host::kRemotePod, Host::kOtherRemotePod};
  cluster_.apply(sticky(100, all));
  const auto first = probe(Host::kPodA, service(), Protocol::kTcp);
  auto other = sticky(100, all);
  other.services.push_back(
      test::service("other", {ip("10.96.0.11"), ip("fd00:96::b")}, {port("", Protocol::kTcp, 80)}));
  cluster_.apply(other);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(probe(Host::kPodA, service(), Protocol::kTcp), first);

  std::vector<Host> rest;
  for (const auto host : all) {
    if (of(host) != first.by) rest.push_back(host);
  }
  cluster_.apply(sticky(100, rest));
  const auto next = probe(Host::kPodA, service(), Protocol::kTcp);
  EXPECT_EQ(next.fate, Fate::kReplied);
  EXPECT_NE(next.by, first.by);
  cluster_.apply(sticky(100, all));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(probe(Host::kPodA, service(), Protocol::kTcp), next);
}

// Looks again and again instead of sleeping for as long as the timeout.
TEST_P(Flows, affinity_is_forgotten_after_its_timeout) {
  cluster_.apply(sticky(1, {Host::kPodB, Host::kRemotePod}));
  const auto first = probe(Host::kPodA, service(), Protocol::kTcp);
  const auto family = GetParam() == Family::kIpv4 ? "ip" : "ip6";
  auto name = first.by.to_string();
  std::ranges::replace(name, ':', '.');
  const auto list = std::string("nft list set ") + family + " conntruth affinity/default/web/tcp/80/" + name + "/8080";
  EXPECT_NE(cluster_.node_.sh(list).find("elements"), std::string::npos) << "the client was noted";
  bool forgotten = false;
  for (int i = 0; i < 100 && !forgotten; ++i) {
    poll(nullptr, 0, 100);
    forgotten = cluster_.node_.sh(list).find("elements") == std::string::npos;
  }
  EXPECT_TRUE(forgotten);
}

TEST_P(Flows, without_affinity_one_client_meets_all) {
  cluster_.apply(sticky(100, {Host::kPodB, Host::kRemotePod}));
  cluster_.apply(web({Host::kPodB, Host::kRemotePod}));
  std::set<IpAddress> answered;
  for (int i = 0; i < 30; ++i) answered.insert(probe(Host::kPodA, service(), Protocol::kTcp).by);
  EXPECT_EQ(answered.size(), 2U);
  EXPECT_EQ(cluster_.ruleset().find("affinity/"), std::string::npos);
}

TEST_P(Flows, udp_moves_when_its_endpoint_goes) {
  for (const auto& entry : {service(),
                            SocketAddress{external_ip(GetParam()), kPort},
                            {balancer(GetParam()), kPort},
                            {of(Host::kNode), kNodePort}}) {
    SCOPED_TRACE(entry.to_string());
    cluster_.apply(web({Host::kPodB}));
    EXPECT_EQ(same_flow(entry).by, of(Host::kPodB));
    EXPECT_EQ(same_flow(entry, Host::kClient).by, of(Host::kPodB));
    cluster_.apply(web({Host::kRemotePod}));
    EXPECT_EQ(same_flow(entry).by, of(Host::kRemotePod));
    EXPECT_EQ(same_flow(entry, Host::kClient).by, of(Host::kRemotePod));
  }
}

TEST_P(Flows, udp_is_refused_when_the_last_endpoint_goes) {
  cluster_.apply(web({Host::kPodB}));
  EXPECT_EQ(same_flow(service()).by, of(Host::kPodB));
  const auto applied = cluster_.apply(web({}));
  EXPECT_EQ(applied.stale_flows, 1U);
  EXPECT_EQ(same_flow(service()), refused());
}

TEST_P(Flows, udp_stops_when_the_service_goes) {
  cluster_.apply(web({Host::kPodB}));
  EXPECT_EQ(same_flow({external_ip(GetParam()), kPort}).by, of(Host::kPodB));
  auto world = web({Host::kPodB});
  world.services[0].external_ips.clear();
  cluster_.apply(world);
  EXPECT_EQ(same_flow({external_ip(GetParam()), kPort}).by, external_ip(GetParam())) << "the proxy leaves it alone";
}

TEST_P(Flows, udp_that_began_before_the_service_reaches_it) {
  cluster_.apply({});
  const SocketAddress entry{external_ip(GetParam()), kPort};
  EXPECT_EQ(same_flow(entry).by, external_ip(GetParam())) << "it left by the default route, which conntrack remembers";
  cluster_.apply(web({Host::kPodB}));
  EXPECT_EQ(same_flow(entry).by, of(Host::kPodB));
}

TEST_P(Flows, udp_stays_with_a_terminating_endpoint_until_it_stops_serving) {
  cluster_.apply(web({Host::kPodB}));
  EXPECT_EQ(same_flow(service()).by, of(Host::kPodB));
  auto world = web({Host::kPodB, Host::kRemotePod});
  for (auto& slice : world.slices) slice.endpoints[0] = leaving(slice.endpoints[0]);
  cluster_.apply(world);
  EXPECT_EQ(same_flow(service()).by, of(Host::kPodB));
  EXPECT_EQ(probe(Host::kPodA, service(), Protocol::kUdp).by, of(Host::kRemotePod)) << "a new flow";
  for (auto& slice : world.slices) slice.endpoints[0] = leaving(slice.endpoints[0], false);
  cluster_.apply(world);
  EXPECT_EQ(same_flow(service()).by, of(Host::kRemotePod));
}

TEST_P(Flows, established_tcp_survives_its_endpoint_and_even_its_service) {
  cluster_.apply(web({Host::kPodB}));
  const auto connection = cluster_.traffic_.connect(cluster_.pod_a_, service());
  EXPECT_TRUE(connection->alive());
  cluster_.apply(web({Host::kRemotePod}));
  EXPECT_TRUE(connection->alive());
  cluster_.apply(web({}));
  EXPECT_TRUE(connection->alive());
}

INSTANTIATE_TEST_SUITE_P(Proxy, Flows, ::testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& each) { return std::string(to_string(each.param)); });

}  // namespace
}  // namespace conntruth::lab_proxy::test
