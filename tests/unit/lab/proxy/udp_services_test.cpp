#include "lab/proxy/udp_services.hpp"

#include <gtest/gtest.h>

#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy {
namespace {

using test::at;
const Place kHere{"node-1", std::nullopt};

UdpServices services(std::vector<world::Endpoint> endpoints) {
  auto world = test::web_world(Protocol::kUdp, std::move(endpoints), 30080);
  world.services[0].external_ips = {test::ip("203.0.113.1")};
  return udp_services_of(world, kHere);
}

StaleRule rule(const UdpServices& before, const UdpServices& now) {
  return {before, now, {test::ip("172.31.0.11")}, {test::prefix("10.96.0.0/16")}};
}

class StaleUdp : public ::testing::Test {
 protected:
  const UdpServices none_;
  const UdpServices one_ = services({test::endpoint("10.244.1.10", "node-1")});
  const UdpServices zero_ = services({});
};

TEST_F(StaleUdp, flow_to_a_current_endpoint_stays) {
  for (const auto& entry : {at("10.96.0.10", 80), at("203.0.113.1", 80), at("172.31.0.11", 30080)}) {
    EXPECT_FALSE(rule(none_, one_).is_stale({entry, at("10.244.1.10", 8080)})) << entry.to_string();
  }
}

TEST_F(StaleUdp, flow_to_an_endpoint_that_is_gone_goes) {
  for (const auto& entry : {at("10.96.0.10", 80), at("203.0.113.1", 80), at("172.31.0.11", 30080)}) {
    EXPECT_TRUE(rule(one_, one_).is_stale({entry, at("10.244.2.10", 8080)})) << entry.to_string();
  }
}

// kube-proxy before 1.29 compared addresses only, and the flow stayed with the old port.
TEST_F(StaleUdp, flow_to_an_old_target_port_goes) {
  EXPECT_TRUE(rule(one_, one_).is_stale({at("10.96.0.10", 80), at("10.244.1.10", 9090)}));
}

TEST_F(StaleUdp, flow_from_before_the_first_rule_goes) {
  EXPECT_TRUE(rule(none_, one_).is_stale({at("10.96.0.10", 80), at("10.96.0.10", 80)}));
}

// kubernetes#139628: services with no endpoint left were skipped.
TEST_F(StaleUdp, flow_of_a_service_without_endpoints_goes) {
  EXPECT_TRUE(rule(one_, zero_).is_stale({at("10.96.0.10", 80), at("10.244.1.10", 8080)}));
}

TEST_F(StaleUdp, flow_of_a_deleted_service_goes) {
  EXPECT_TRUE(rule(one_, none_).is_stale({at("203.0.113.1", 80), at("10.244.1.10", 8080)}));
  EXPECT_TRUE(rule(none_, none_).is_stale({at("10.96.0.99", 80), at("10.244.1.10", 8080)}));
}

TEST_F(StaleUdp, terminating_endpoint_keeps_its_flow_until_it_stops_serving) {
  const auto serving = services({test::leaving(test::endpoint("10.244.1.10", "node-1"))});
  const auto done = services({test::leaving(test::endpoint("10.244.1.10", "node-1"), false)});
  EXPECT_FALSE(rule(one_, serving).is_stale({at("10.96.0.10", 80), at("10.244.1.10", 8080)}));
  EXPECT_TRUE(rule(serving, done).is_stale({at("10.96.0.10", 80), at("10.244.1.10", 8080)}));
}

TEST_F(StaleUdp, what_is_no_business_of_ours_stays) {
  EXPECT_FALSE(rule(one_, one_).is_stale({at("10.244.2.10", 5353), at("10.244.2.10", 5353)}));
  EXPECT_FALSE(rule(one_, one_).is_stale({at("172.31.0.12", 30080), at("172.31.0.12", 30080)})) << "another node's";
  EXPECT_FALSE(rule(one_, one_).is_stale({at("203.0.113.1", 81), at("203.0.113.1", 81)}));
}

TEST(UdpServices, leaves_other_protocols_out) {
  const auto tcp = test::web_world(Protocol::kTcp, {test::endpoint("10.244.1.10", "node-1")}, 30080);
  EXPECT_EQ(udp_services_of(tcp, kHere), UdpServices{});
}

}  // namespace
}  // namespace conntruth::lab_proxy
