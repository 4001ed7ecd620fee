#include "lab/topology/wiring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conntruth::lab {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string path(const std::string& name) { return "/ns/" + name; }

TEST(Wiring, peers_are_made_directly_in_the_other_namespace) {
  const LabSpec spec;
  EXPECT_THAT(fabric_links(spec, path), HasSubstr("peer name eth0 address 02:31:00:00:01:03 netns /ns/node-3\n"));
  EXPECT_THAT(fabric_links(spec, path), HasSubstr("netns /ns/external\n"));
  EXPECT_THAT(node_links(spec, 2, path), HasSubstr("netns /ns/node-2-pod-1\n"));
}

TEST(Wiring, a_node_reaches_other_nodes_pods_and_has_static_neighbours) {
  const LabSpec spec;
  const auto batch = node_links(spec, 1, path);
  EXPECT_THAT(batch, HasSubstr("route add 10.244.2.0/24 via 172.31.0.12\n"));
  EXPECT_THAT(batch, HasSubstr("route add fd44:0:0:3::/64 via fd31::d\n"));
  EXPECT_THAT(batch, HasSubstr("neigh add fd31::c lladdr 02:31:00:00:01:02 dev eth0 nud permanent\n"));
  EXPECT_THAT(batch, Not(HasSubstr("route add 10.244.1.0/24 via")));
}

TEST(Wiring, the_node_end_of_a_pod_link_has_the_nodes_own_addresses) {
  const LabSpec spec;
  const auto batch = node_links(spec, 1, path);
  EXPECT_THAT(batch, HasSubstr("addr add 172.31.0.11/32 dev pod-0\n"));
  EXPECT_THAT(batch, HasSubstr("addr add fd31::b/128 dev pod-0 nodad\n"));
  EXPECT_THAT(pod_links(spec, 1, 0), HasSubstr("route add 0.0.0.0/0 via 172.31.0.11 dev eth0 onlink\n"));
}

TEST(Wiring, external_sources_choose_the_node_at_which_service_addresses_enter) {
  const LabSpec spec;
  const auto links = fabric_links(spec, path);
  EXPECT_THAT(links, HasSubstr("route add 203.0.113.0/24 via 172.31.0.12 table 102\n"));
  EXPECT_THAT(links, HasSubstr("route add blackhole 203.0.113.0/24\n"));
  EXPECT_THAT(fabric_rules(spec, Family::kIpv4), HasSubstr("rule add from 192.0.2.12 iif external lookup 102"));
  EXPECT_THAT(fabric_rules(spec, Family::kIpv6), HasSubstr("rule add from 2001:db8:c::c iif external lookup 102"));
}

TEST(Wiring, a_lab_of_one_family_has_no_line_of_the_other) {
  LabSpec spec;
  spec.ipv6 = false;
  const auto all = fabric_links(spec, path) + node_links(spec, 1, path) + pod_links(spec, 1, 0) + external_links(spec);
  EXPECT_THAT(all, Not(HasSubstr("fd31")));
  EXPECT_THAT(all, Not(HasSubstr("2001:")));
  EXPECT_THAT(all, Not(HasSubstr("::/0")));
  EXPECT_EQ(fabric_rules(spec, Family::kIpv6), "");
}

TEST(Wiring, packet_rules_name_the_ports_of_crafted_probes_and_of_fixed_flows) {
  EXPECT_THAT(pod_packet_rules(), HasSubstr("== rst tcp sport 10000-29999 drop"));
  EXPECT_THAT(pod_packet_rules(), Not(HasSubstr("ct ")));  // a pod's namespace tracks no connections
  EXPECT_THAT(node_packet_rules({}), HasSubstr("== rst tcp sport 10000-29999 drop"));
  EXPECT_THAT(node_packet_rules({}), HasSubstr("udp sport 8000-8999 ct state new ct timeout set \"fixed-ipv6\""));
}

}  // namespace
}  // namespace conntruth::lab
