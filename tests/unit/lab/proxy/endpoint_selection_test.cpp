#include "lab/proxy/endpoint_selection.hpp"

#include <gtest/gtest.h>

#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy {
namespace {

using test::at;
using Targets = std::vector<SocketAddress>;

const Place kHere{"node-1", "zone-a"};

Backend backend(int number, bool local) {
  return {.target = at("10.244.0." + std::to_string(number), 80),
          .ready = true,
          .serving = true,
          .terminating = false,
          .local = local,
          .zone_hints = {},
          .node_hints = {}};
}

Backend leaving(int number, bool local, bool serving = true) {
  auto made = backend(number, local);
  made.ready = false;
  made.serving = serving;
  made.terminating = true;
  return made;
}

Backend hinted(int number, std::vector<std::string> zones, std::vector<std::string> nodes = {}) {
  auto made = backend(number, false);
  made.zone_hints = std::move(zones);
  made.node_hints = std::move(nodes);
  return made;
}

Targets of(std::initializer_list<int> numbers) {
  Targets targets;
  for (const int each : numbers) targets.push_back(backend(each, false).target);
  return targets;
}

TEST(EndpointSelection, local_set_is_a_part_of_the_ready_ones) {
  const auto chosen = select({backend(1, true), backend(2, false)}, kHere);
  EXPECT_EQ(chosen.cluster, of({1, 2}));
  EXPECT_EQ(chosen.local, of({1}));
}

// KEP-1669
TEST(EndpointSelection, terminating_endpoints_are_never_mixed_with_ready_ones) {
  EXPECT_EQ(select({backend(1, false), leaving(2, false)}, kHere).cluster, of({1}));
}

TEST(EndpointSelection, without_ready_ones_serving_terminating_ones_take_over) {
  EXPECT_EQ(select({leaving(1, false), leaving(2, false, false)}, kHere).cluster, of({1}));
}

TEST(EndpointSelection, falls_back_for_the_local_set_alone) {
  const auto chosen = select({leaving(1, true), backend(2, false)}, kHere);
  EXPECT_EQ(chosen.cluster, of({2}));
  EXPECT_EQ(chosen.local, of({1}));
}

TEST(EndpointSelection, an_unready_endpoint_that_is_not_terminating_takes_nothing_but_keeps_its_flows) {
  auto unready = backend(1, true);
  unready.ready = false;
  const auto chosen = select({unready}, kHere);
  EXPECT_TRUE(chosen.cluster.empty());
  EXPECT_TRUE(chosen.local.empty());
  EXPECT_EQ(chosen.current, of({1}));
}

TEST(EndpointSelection, terminating_endpoint_stays_current_until_it_stops_serving) {
  EXPECT_EQ(select({backend(1, false), leaving(2, false), leaving(3, false, false)}, kHere).current, of({1, 2}));
}

// KEP-2433
TEST(EndpointSelection, zone_hints_narrow_the_cluster_set_only) {
  auto far = hinted(2, {"zone-b"});
  far.local = true;
  const auto chosen = select({hinted(1, {"zone-a"}), far}, kHere);
  EXPECT_EQ(chosen.cluster, of({1}));
  EXPECT_EQ(chosen.local, of({2}));
}

TEST(EndpointSelection, one_endpoint_without_a_hint_switches_hints_off) {
  EXPECT_EQ(select({hinted(1, {"zone-a"}), hinted(2, {"zone-b"}), backend(3, false)}, kHere).cluster, of({1, 2, 3}));
}

TEST(EndpointSelection, hints_that_name_other_zones_only_are_not_used) {
  EXPECT_EQ(select({hinted(1, {"zone-b"}), hinted(2, {"zone-c"})}, kHere).cluster, of({1, 2}));
}

TEST(EndpointSelection, a_node_without_zone_uses_no_zone_hints) {
  EXPECT_EQ(select({hinted(1, {"zone-a"}), hinted(2, {"zone-b"})}, {"node-1", std::nullopt}).cluster, of({1, 2}));
}

// KEP-3015
TEST(EndpointSelection, node_hints_come_before_zone_hints) {
  EXPECT_EQ(select({hinted(1, {"zone-a"}, {"node-1"}), hinted(2, {"zone-a"}, {"node-2"})}, kHere).cluster, of({1}));
}

TEST(EndpointSelection, zone_hints_serve_a_node_that_no_node_hint_names) {
  EXPECT_EQ(select({hinted(1, {"zone-a"}, {"node-2"}), hinted(2, {"zone-b"}, {"node-3"})}, kHere).cluster, of({1}));
}

TEST(EndpointSelection, hints_of_endpoints_that_are_not_ready_do_not_count) {
  EXPECT_EQ(select({hinted(1, {"zone-a"}), hinted(2, {"zone-b"}), leaving(3, false)}, kHere).cluster, of({1}));
}

TEST(EndpointSelection, terminating_endpoints_are_not_filtered_by_hints) {
  auto first = leaving(1, false);
  first.zone_hints = {"zone-a"};
  auto second = leaving(2, false);
  second.zone_hints = {"zone-b"};
  EXPECT_EQ(select({first, second}, kHere).cluster, of({1, 2}));
}

TEST(SliceIndex, joins_slices_by_port_name_and_protocol_with_each_their_own_number) {
  world::World world;
  world.services = {test::service("web", {test::ip("10.96.0.10")},
                                  {test::port("http", Protocol::kTcp, 80), test::port("dns", Protocol::kUdp, 80)})};
  const auto& service = world.services.front();
  world.slices = {
      test::slice(service, {test::endpoint("10.244.1.10", "node-1")}, {{"http", Protocol::kTcp, 100}}),
      test::slice(service, {test::endpoint("10.244.2.10", "node-2")},
                  {{"http", Protocol::kTcp, 200}, {"dns", Protocol::kUdp, 53}, {"http", Protocol::kUdp, 9}})};
  const SliceIndex index(world);
  const auto http = index.backends(service, service.ports[0], Family::kIpv4, "node-1");
  ASSERT_EQ(http.size(), 2U);
  EXPECT_EQ(http[0].target, at("10.244.1.10", 100));
  EXPECT_TRUE(http[0].local);
  EXPECT_EQ(http[1].target, at("10.244.2.10", 200));
  EXPECT_FALSE(http[1].local);
  const auto dns = index.backends(service, service.ports[1], Family::kIpv4, "node-1");
  ASSERT_EQ(dns.size(), 1U);
  EXPECT_EQ(dns[0].target, at("10.244.2.10", 53));
  EXPECT_TRUE(index.backends(service, service.ports[0], Family::kIpv6, "node-1").empty());
}

TEST(SliceIndex, an_endpoint_published_twice_counts_once_and_in_its_better_condition) {
  auto world = test::web_world(Protocol::kTcp, {test::leaving(test::endpoint("10.244.1.10", "node-1"))});
  world.slices.push_back(world.slices.front());
  world.slices.back().endpoints = {test::endpoint("10.244.1.10", "node-1")};
  const auto backends =
      SliceIndex(world).backends(world.services[0], world.services[0].ports[0], Family::kIpv4, "node-1");
  ASSERT_EQ(backends.size(), 1U);
  EXPECT_TRUE(backends[0].ready);
}

TEST(SliceIndex, does_not_take_slices_of_a_service_of_that_name_elsewhere) {
  auto world = test::web_world(Protocol::kTcp, {test::endpoint("10.244.1.10", "node-1")});
  world.slices.front().namespace_name = "other";
  EXPECT_TRUE(
      SliceIndex(world).backends(world.services[0], world.services[0].ports[0], Family::kIpv4, "node-1").empty());
}

}  // namespace
}  // namespace conntruth::lab_proxy
