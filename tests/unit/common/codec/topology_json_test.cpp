#include "common/codec/topology_json.hpp"

#include <gtest/gtest.h>

namespace conntruth::codec {
namespace {

Topology sample() {
  const auto ip = [](const char* text) { return *IpAddress::parse(text); };
  Topology topology;
  topology.name = "lab";
  topology.nodes = {{"node-1",
                     "zone-a",
                     {ip("172.31.0.11"), ip("fd31::b")},
                     "eth0",
                     {{"node-1-pod-0", {ip("10.244.1.10")}, "/run/conntruth/pods/node-1-pod-0", "pod-0"}}}};
  topology.external_clients = {{"external", "eth0", {{"node-1", {ip("192.0.2.11")}}}}};
  topology.ranges = {{*Prefix::parse("10.96.0.0/16")}, {*Prefix::parse("203.0.113.0/24")}, {}, 30000, 32767};
  return topology;
}

TEST(TopologyJson, reads_what_it_wrote) { EXPECT_EQ(*topology_from_json(topology_to_json(sample())), sample()); }

TEST(TopologyJson, names_what_is_wrong) {
  auto text = topology_to_json(sample());
  text.replace(text.find("172.31.0.11"), 11, "172.31.0.999");
  const auto read = topology_from_json(text);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "topology: \"172.31.0.999\" is not an IPv4 or IPv6 address");
  EXPECT_FALSE(topology_from_json("{}"));
  EXPECT_FALSE(topology_from_json("{"));
}

}  // namespace
}  // namespace conntruth::codec
