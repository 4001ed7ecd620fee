#include "lab/topology/address_plan.hpp"

#include <gtest/gtest.h>

#include <set>

namespace conntruth::lab {
namespace {

std::vector<std::string> texts(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> result;
  for (const auto& address : addresses) result.push_back(address.to_string());
  return result;
}

using Texts = std::vector<std::string>;

TEST(AddressPlan, first_and_last_node_have_the_addresses_that_the_documentation_names) {
  LabSpec spec;
  spec.nodes = 50;
  spec.pods_per_node = 20;
  const auto topology = plan_topology(spec);
  ASSERT_EQ(topology.nodes.size(), 50U);
  EXPECT_EQ(topology.nodes[0].name, "node-1");
  EXPECT_EQ(texts(topology.nodes[0].addresses), (Texts{"172.31.0.11", "fd31::b"}));
  EXPECT_EQ(texts(topology.nodes[49].addresses), (Texts{"172.31.0.60", "fd31::3c"}));
  const auto& last = topology.nodes[49].pods[19];
  EXPECT_EQ(last.name, "node-50-pod-19");
  EXPECT_EQ(texts(last.addresses), (Texts{"10.244.50.29", "fd44:0:0:32::1d"}));
  EXPECT_EQ(last.netns, "/run/conntruth/pods/node-50-pod-19");
  EXPECT_EQ(last.device, "pod-19");
  const auto& via = topology.external_clients.at(0).via;
  EXPECT_EQ(via.at(49).node, "node-50");
  EXPECT_EQ(texts(via.at(49).sources), (Texts{"192.0.2.60", "2001:db8:c::3c"}));
}

TEST(AddressPlan, no_two_addresses_of_the_largest_lab_are_equal) {
  LabSpec spec;
  spec.nodes = 50;
  spec.pods_per_node = 20;
  const auto topology = plan_topology(spec);
  std::set<IpAddress> seen;
  std::size_t count = 0;
  const auto add = [&](const std::vector<IpAddress>& addresses) {
    count += addresses.size();
    seen.insert(addresses.begin(), addresses.end());
  };
  for (const auto& node : topology.nodes) {
    add(node.addresses);
    for (const auto& pod : node.pods) add(pod.addresses);
  }
  for (const auto& via : topology.external_clients.at(0).via) add(via.sources);
  EXPECT_EQ(count, 2U * (50 + 1000 + 50));
  EXPECT_EQ(seen.size(), count);
}

TEST(AddressPlan, no_two_devices_share_a_mac_address) {
  std::set<std::string> macs{fabric_mac(), external_mac(), external_gateway_mac()};
  for (unsigned node = 1; node <= 50; ++node) {
    macs.insert(node_mac(node));
    for (unsigned pod = 0; pod < 20; ++pod) macs.insert({pod_mac(node, pod), pod_gateway_mac(node, pod)});
  }
  EXPECT_EQ(macs.size(), 3U + 50 + 2U * 1000);
}

TEST(AddressPlan, zones_are_dealt_in_turn_and_may_be_none) {
  LabSpec spec;
  spec.nodes = 4;
  EXPECT_EQ(plan_topology(spec).nodes[3].zone, "zone-a");
  EXPECT_EQ(plan_nodes(spec)[1].zone(), "zone-b");
  spec.zones = {};
  EXPECT_EQ(plan_topology(spec).nodes[0].zone, "");
  EXPECT_EQ(plan_nodes(spec)[0].zone(), std::nullopt);
}

TEST(AddressPlan, a_lab_of_one_family_has_nothing_of_the_other) {
  LabSpec spec;
  spec.ipv4 = false;
  const auto topology = plan_topology(spec);
  EXPECT_EQ(texts(topology.nodes[0].addresses), Texts{"fd31::b"});
  EXPECT_EQ(texts(topology.nodes[0].pods[0].addresses), Texts{"fd44:0:0:1::a"});
  ASSERT_EQ(topology.ranges.cluster_ips.size(), 1U);
  EXPECT_EQ(topology.ranges.cluster_ips[0].to_string(), "fd00:96::/112");
}

TEST(AddressPlan, kubernetes_nodes_carry_addresses_and_the_prefixes_of_their_pods) {
  const LabSpec spec;
  const auto nodes = plan_nodes(spec);
  const auto topology = plan_topology(spec);
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[2].addresses, topology.nodes[2].addresses);
  EXPECT_EQ(nodes[2].labels.at("kubernetes.io/hostname"), "node-3");
  ASSERT_EQ(nodes[2].pod_cidrs.size(), 2U);
  EXPECT_EQ(nodes[2].pod_cidrs[0].to_string(), "10.244.3.0/24");
  EXPECT_EQ(nodes[2].pod_cidrs[1].to_string(), "fd44:0:0:3::/64");
  for (const auto& address : topology.nodes[2].pods[1].addresses) {
    EXPECT_TRUE(nodes[2].pod_cidrs[0].contains(address) || nodes[2].pod_cidrs[1].contains(address));
  }
}

}  // namespace
}  // namespace conntruth::lab
