// Which endpoint answers, and which source address it sees. Every test in all protocols and families.

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "tests/lab/proxy/small_cluster.hpp"
#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy::test {
namespace {

class Delivery : public ::testing::TestWithParam<std::tuple<Protocol, Family>> {
 protected:
  Delivery() {
    for (const auto host : {Host::kPodA, Host::kPodB, Host::kNode, Host::kRemotePod}) {
      cluster_.listen(host, family(), kTargetPort);
    }
  }
  static Family family() { return std::get<1>(GetParam()); }
  static IpAddress of(Host host) { return address_of(host, family()); }
  Outcome probe(Host from, const IpAddress& address, std::uint16_t port = kPort) {
    return cluster_.probe(from, {address, port}, std::get<0>(GetParam()));
  }
  Outcome probe_node_port(Host from) { return probe(from, of(Host::kNode), kNodePort); }

  SmallCluster cluster_;
};

TEST_P(Delivery, control_without_a_service) {
  EXPECT_EQ(probe(Host::kPodA, of(Host::kPodB), kTargetPort), replied(of(Host::kPodB), of(Host::kPodA)));
  EXPECT_EQ(probe(Host::kPodA, of(Host::kRemotePod), kTargetPort), replied(of(Host::kRemotePod), of(Host::kPodA)));
  EXPECT_EQ(probe(Host::kClient, of(Host::kPodA), kTargetPort), replied(of(Host::kPodA), of(Host::kClient)));
}

TEST_P(Delivery, cluster_ip_reaches_all_endpoints_and_pods_keep_their_source) {
  cluster_.apply(web({Host::kPodB, Host::kRemotePod}));
  std::set<IpAddress> answered;
  for (int i = 0; i < 30; ++i) {
    const auto outcome = probe(Host::kPodA, cluster_ip(family()));
    ASSERT_EQ(outcome, replied(outcome.by, of(Host::kPodA)));
    answered.insert(outcome.by);
  }
  EXPECT_EQ(answered, (std::set{of(Host::kPodB), of(Host::kRemotePod)}));
}

TEST_P(Delivery, cluster_ip_from_the_node_and_from_off_the_cluster_shows_the_node) {
  for (const auto endpoint : {Host::kPodB, Host::kRemotePod}) {
    cluster_.apply(web({endpoint}));
    EXPECT_EQ(probe(Host::kNode, cluster_ip(family())), replied(of(endpoint), of(Host::kNode)));
    EXPECT_EQ(probe(Host::kClient, cluster_ip(family())), replied(of(endpoint), of(Host::kNode)));
  }
}

TEST_P(Delivery, external_entries_show_the_node) {
  for (const auto endpoint : {Host::kPodB, Host::kRemotePod}) {
    cluster_.apply(web({endpoint}));
    for (const auto from : {Host::kPodA, Host::kNode, Host::kClient, Host::kRemoteNode}) {
      EXPECT_EQ(probe(from, external_ip(family())), replied(of(endpoint), of(Host::kNode)));
      EXPECT_EQ(probe(from, balancer(family())), replied(of(endpoint), of(Host::kNode)));
      EXPECT_EQ(probe_node_port(from), replied(of(endpoint), of(Host::kNode)));
    }
  }
}

TEST_P(Delivery, hairpin_does_not_show_the_pod_itself) {
  auto world = web({Host::kPodA});
  for (const auto policy : {world::TrafficPolicy::kCluster, world::TrafficPolicy::kLocal}) {
    world.services[0].internal_policy = policy;
    world.services[0].external_policy = policy;
    cluster_.apply(world);
    EXPECT_EQ(probe(Host::kPodA, cluster_ip(family())), replied(of(Host::kPodA), of(Host::kNode)));
    EXPECT_EQ(probe(Host::kPodA, external_ip(family())), replied(of(Host::kPodA), of(Host::kNode)));
    EXPECT_EQ(probe_node_port(Host::kPodA), replied(of(Host::kPodA), of(Host::kNode)));
  }
}

TEST_P(Delivery, endpoint_in_the_host_network_reaches_itself) {
  cluster_.apply(web({Host::kNode}));
  EXPECT_EQ(probe(Host::kNode, cluster_ip(family())), replied(of(Host::kNode), of(Host::kNode)));
  EXPECT_EQ(probe(Host::kPodA, cluster_ip(family())), replied(of(Host::kNode), of(Host::kPodA)));
  EXPECT_EQ(probe_node_port(Host::kNode), replied(of(Host::kNode), of(Host::kNode)));
}

TEST_P(Delivery, internal_local_stays_on_the_node_or_is_dropped) {
  auto world = web({Host::kPodB, Host::kRemotePod});
  world.services[0].internal_policy = world::TrafficPolicy::kLocal;
  cluster_.apply(world);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(probe(Host::kPodA, cluster_ip(family())), replied(of(Host::kPodB), of(Host::kPodA)));
  }
  world = web({Host::kRemotePod});
  world.services[0].internal_policy = world::TrafficPolicy::kLocal;
  cluster_.apply(world);
  EXPECT_EQ(probe(Host::kPodA, cluster_ip(family())), silent());
  EXPECT_EQ(probe(Host::kNode, cluster_ip(family())), silent());
  EXPECT_EQ(probe(Host::kPodA, external_ip(family())), replied(of(Host::kRemotePod), of(Host::kNode)));
}

TEST_P(Delivery, external_local_keeps_the_client_and_serves_it_here_only) {
  auto world = web({Host::kPodB, Host::kRemotePod});
  world.services[0].external_policy = world::TrafficPolicy::kLocal;
  cluster_.apply(world);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(probe(Host::kClient, external_ip(family())), replied(of(Host::kPodB), of(Host::kClient)));
    EXPECT_EQ(probe(Host::kClient, balancer(family())), replied(of(Host::kPodB), of(Host::kClient)));
    EXPECT_EQ(probe_node_port(Host::kClient), replied(of(Host::kPodB), of(Host::kClient)));
    EXPECT_EQ(probe_node_port(Host::kRemotePod), replied(of(Host::kPodB), of(Host::kRemotePod)));
  }
}

TEST_P(Delivery, external_local_without_an_endpoint_here_drops_outsiders_and_serves_insiders) {
  auto world = web({Host::kRemotePod});
  world.services[0].external_policy = world::TrafficPolicy::kLocal;
  cluster_.apply(world);
  for (const auto& address : {external_ip(family()), balancer(family())}) {
    EXPECT_EQ(probe(Host::kClient, address), silent());
    EXPECT_EQ(probe(Host::kPodA, address), replied(of(Host::kRemotePod), of(Host::kPodA)));
    EXPECT_EQ(probe(Host::kNode, address), replied(of(Host::kRemotePod), of(Host::kNode)));
  }
  EXPECT_EQ(probe_node_port(Host::kClient), silent());
  EXPECT_EQ(probe_node_port(Host::kRemoteNode), silent());
  EXPECT_EQ(probe_node_port(Host::kOtherRemotePod), silent()) << "a pod of another node is outside here";
  EXPECT_EQ(probe_node_port(Host::kPodA), replied(of(Host::kRemotePod), of(Host::kPodA)));
  EXPECT_EQ(probe_node_port(Host::kNode), replied(of(Host::kRemotePod), of(Host::kNode)));
  EXPECT_EQ(probe(Host::kPodA, cluster_ip(family())), replied(of(Host::kRemotePod), of(Host::kPodA)));
}

TEST_P(Delivery, terminating_endpoint_serves_the_local_set_while_the_cluster_set_has_a_ready_one) {
  auto world = web({Host::kPodB, Host::kRemotePod});
  world.services[0].internal_policy = world::TrafficPolicy::kLocal;
  for (auto& slice : world.slices) slice.endpoints[0] = leaving(slice.endpoints[0]);
  cluster_.apply(world);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(probe(Host::kPodA, cluster_ip(family())), replied(of(Host::kPodB), of(Host::kPodA)));
    EXPECT_EQ(probe(Host::kPodA, external_ip(family())), replied(of(Host::kRemotePod), of(Host::kNode)));
  }
}

TEST_P(Delivery, source_ranges_hold_at_the_balancer_only) {
  auto world = web({Host::kPodB});
  world.services[0].source_ranges = {prefix("192.0.2.0/24"), prefix("2001:db8:c::/64")};
  cluster_.apply(world);
  EXPECT_EQ(probe(Host::kClient, balancer(family())), replied(of(Host::kPodB), of(Host::kNode)));
  EXPECT_EQ(probe(Host::kRemoteNode, balancer(family())), silent());
  EXPECT_EQ(probe(Host::kNode, balancer(family())), silent());
  EXPECT_EQ(probe(Host::kRemoteNode, external_ip(family())), replied(of(Host::kPodB), of(Host::kNode)));
  EXPECT_EQ(probe_node_port(Host::kRemoteNode), replied(of(Host::kPodB), of(Host::kNode)));
  world.services[0].source_ranges = {prefix("172.31.0.11/32"), prefix("fd31::b/128")};
  cluster_.apply(world);
  EXPECT_EQ(probe(Host::kNode, balancer(family())), replied(of(Host::kPodB), of(Host::kNode)));
  EXPECT_EQ(probe(Host::kClient, balancer(family())), silent());
  world.services[0].source_ranges = {prefix("0.0.0.0/0"), prefix("::/0")};
  cluster_.apply(world);
  EXPECT_EQ(probe(Host::kClient, balancer(family())), replied(of(Host::kPodB), of(Host::kNode)));
}

TEST_P(Delivery, a_balancer_of_mode_proxy_is_not_captured) {
  auto world = web({Host::kPodB});
  for (auto& ingress : world.services[0].ingress) ingress.mode = world::IpMode::kProxy;
  cluster_.apply(world);
  EXPECT_EQ(probe(Host::kPodA, balancer(family())), replied(balancer(family()), of(Host::kPodA)));
}

TEST_P(Delivery, node_port_of_another_node_is_not_captured) {
  cluster_.listen(Host::kRemoteNode, family(), kNodePort);
  cluster_.apply(web({Host::kPodB}));
  EXPECT_EQ(probe(Host::kPodA, of(Host::kRemoteNode), kNodePort), replied(of(Host::kRemoteNode), of(Host::kPodA)));
}

TEST_P(Delivery, no_port_of_the_loopback_is_a_node_port) {
  cluster_.apply(web({Host::kPodB}));
  const auto loopback = ip(family() == Family::kIpv4 ? "127.0.0.1" : "::1");
  const auto outcome = cluster_.traffic_.probe(cluster_.node_, {{loopback, kNodePort}, std::get<0>(GetParam())});
  EXPECT_NE(outcome.fate, Fate::kReplied);
}

INSTANTIATE_TEST_SUITE_P(Proxy, Delivery,
                         ::testing::Combine(::testing::Values(Protocol::kTcp, Protocol::kUdp, Protocol::kSctp),
                                            ::testing::Values(Family::kIpv4, Family::kIpv6)),
                         [](const auto& each) {
                           return std::string(to_string(std::get<0>(each.param))) + "_" +
                                  std::string(to_string(std::get<1>(each.param)));
                         });

}  // namespace
}  // namespace conntruth::lab_proxy::test
