// Refused and dropped are not the same: a refusal is an ICMP port unreachable, at once.

#include <gtest/gtest.h>

#include <tuple>

#include "tests/lab/proxy/small_cluster.hpp"
#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy::test {
namespace {

class Refusal : public ::testing::TestWithParam<std::tuple<Protocol, Family>> {
 protected:
  Refusal() { cluster_.listen(Host::kPodB, family(), kTargetPort); }
  static Family family() { return std::get<1>(GetParam()); }
  Outcome probe(Host from, const IpAddress& address, std::uint16_t port = kPort) {
    return cluster_.probe(from, {address, port}, std::get<0>(GetParam()));
  }
  void expect_all(const Outcome& outcome) {
    for (const auto from : {Host::kPodA, Host::kNode, Host::kClient}) {
      SCOPED_TRACE(address_of(from, family()).to_string());
      EXPECT_EQ(probe(from, cluster_ip(family())), outcome);
      EXPECT_EQ(probe(from, external_ip(family())), outcome);
      EXPECT_EQ(probe(from, balancer(family())), outcome);
      EXPECT_EQ(probe(from, address_of(Host::kNode, family()), kNodePort), outcome);
    }
  }
  SmallCluster cluster_;
};

TEST_P(Refusal, without_endpoints_every_entry_refuses_everybody) {
  auto world = web({});
  for (const auto policy : {world::TrafficPolicy::kCluster, world::TrafficPolicy::kLocal}) {
    world.services[0].internal_policy = policy;
    world.services[0].external_policy = policy;
    cluster_.apply(world);
    expect_all(refused());
  }
}

TEST_P(Refusal, an_endpoint_that_terminates_without_serving_is_none) {
  auto world = web({Host::kPodB});
  for (auto& slice : world.slices) slice.endpoints[0] = leaving(slice.endpoints[0], false);
  cluster_.apply(world);
  EXPECT_EQ(probe(Host::kPodA, cluster_ip(family())), refused());
}

TEST_P(Refusal, comes_and_goes_with_the_endpoints) {
  for (int i = 0; i < 2; ++i) {
    cluster_.apply(web({}));
    EXPECT_EQ(probe(Host::kPodA, cluster_ip(family())), refused());
    cluster_.apply(web({Host::kPodB}));
    EXPECT_EQ(probe(Host::kPodA, cluster_ip(family())).fate, Fate::kReplied);
  }
}

TEST_P(Refusal, unused_port_of_a_cluster_ip_refuses) {
  cluster_.apply(web({Host::kPodB}));
  EXPECT_EQ(probe(Host::kPodA, cluster_ip(family()), kUnusedPort), refused());
  EXPECT_EQ(probe(Host::kNode, cluster_ip(family()), kUnusedPort), refused());
}

TEST_P(Refusal, unused_port_of_a_balancer_address_is_not_ours) {
  cluster_.apply(web({Host::kPodB}));
  const auto there = balancer(family());
  EXPECT_EQ(probe(Host::kPodA, there, kUnusedPort), replied(there, address_of(Host::kPodA, family())));
}

TEST_P(Refusal, unallocated_address_is_dropped) {
  cluster_.apply(web({Host::kPodB}));
  EXPECT_EQ(probe(Host::kPodA, unallocated(family())), silent());
  EXPECT_EQ(probe(Host::kNode, unallocated(family())), silent());
}

TEST_P(Refusal, a_family_without_endpoints_refuses_alone) {
  auto world = web({Host::kPodB});
  std::erase_if(world.slices, [&](const auto& each) { return each.family == family(); });
  cluster_.apply(world);
  expect_all(refused());
}

INSTANTIATE_TEST_SUITE_P(Proxy, Refusal,
                         ::testing::Combine(::testing::Values(Protocol::kTcp, Protocol::kUdp, Protocol::kSctp),
                                            ::testing::Values(Family::kIpv4, Family::kIpv6)),
                         [](const auto& each) {
                           return std::string(to_string(std::get<0>(each.param))) + "_" +
                                  std::string(to_string(std::get<1>(each.param)));
                         });

}  // namespace
}  // namespace conntruth::lab_proxy::test
