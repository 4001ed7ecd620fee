#pragma once
// Topologies with the addresses that labs have.

#include <fmt/core.h>

#include "common/model/topology.hpp"
#include "common/world/world.hpp"

namespace conntruth::plan {

struct Shape {
  unsigned nodes = 3;
  unsigned pods = 2;
  bool ipv4 = true;
  bool ipv6 = true;
  bool external = true;
  unsigned zones = 3;
};

inline Topology make_topology(const Shape& shape) {
  Topology topology;
  topology.name = "test";
  const auto both = [&](const std::string& v4, const std::string& v6) {
    std::vector<IpAddress> addresses;
    if (shape.ipv4) addresses.push_back(*IpAddress::parse(v4));
    if (shape.ipv6) addresses.push_back(*IpAddress::parse(v6));
    return addresses;
  };
  ExternalClient client{"external", "eth0", {}};
  for (unsigned i = 1; i <= shape.nodes; ++i) {
    TopologyNode node;
    node.name = fmt::format("node-{}", i);
    if (shape.zones > 0) node.zone = fmt::format("zone-{}", static_cast<char>('a' + (i - 1) % shape.zones));
    node.addresses = both(fmt::format("172.31.0.{}", 10 + i), fmt::format("fd31::{:x}", 10 + i));
    for (unsigned j = 0; j < shape.pods; ++j) {
      node.pods.push_back({fmt::format("{}-pod-{}", node.name, j),
                           both(fmt::format("10.244.{}.{}", i, 10 + j), fmt::format("fd44:0:0:{:x}::{:x}", i, 10 + j)),
                           "", ""});
    }
    topology.nodes.push_back(node);
    client.via.push_back({node.name, both(fmt::format("192.0.2.{}", 10 + i), fmt::format("2001:db8:c::{:x}", 10 + i))});
  }
  if (shape.external) topology.external_clients.push_back(client);
  topology.ranges.cluster_ips = {*Prefix::parse("10.96.0.0/16"), *Prefix::parse("fd00:96::/112")};
  topology.ranges.external_ips = {*Prefix::parse("203.0.113.0/24"), *Prefix::parse("2001:db8:e::/64")};
  topology.ranges.load_balancers = {*Prefix::parse("198.51.100.0/24"), *Prefix::parse("2001:db8:1b::/64")};
  return topology;
}

inline std::vector<world::Node> make_nodes(const Topology& topology) {
  std::vector<world::Node> nodes;
  for (std::size_t i = 0; i < topology.nodes.size(); ++i) {
    const auto& from = topology.nodes[i];
    auto& node = nodes.emplace_back();
    node.name = from.name;
    if (!from.zone.empty()) node.labels[std::string(world::kZoneLabel)] = from.zone;
    node.addresses = from.addresses;
    node.pod_cidrs = {*Prefix::parse(fmt::format("10.244.{}.0/24", i + 1)),
                      *Prefix::parse(fmt::format("fd44:0:0:{:x}::/64", i + 1))};
  }
  return nodes;
}

}  // namespace conntruth::plan
