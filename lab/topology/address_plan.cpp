#include "lab/topology/address_plan.hpp"

#include <fmt/format.h>

namespace conntruth::lab {

namespace {

constexpr unsigned kFirstHost = 10;  // node i and pod j are host 10+i and 10+j

Prefix v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t length) {
  return {IpAddress::v4({a, b, c, 0}), length};
}

// A prefix from its first four 16-bit groups.
Prefix v6(std::array<std::uint16_t, 4> groups, std::uint8_t length) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t group = 0; group < groups.size(); ++group) {
    bytes.at(2 * group) = static_cast<std::uint8_t>(groups.at(group) >> 8U);
    bytes.at(2 * group + 1) = static_cast<std::uint8_t>(groups.at(group) & 0xFFU);
  }
  return {IpAddress::v6(bytes), length};
}

std::vector<Prefix> of_families(const LabSpec& spec, Prefix ipv4, Prefix ipv6) {
  std::vector<Prefix> prefixes;
  if (spec.ipv4) prefixes.push_back(ipv4);
  if (spec.ipv6) prefixes.push_back(ipv6);
  return prefixes;
}

std::vector<IpAddress> hosts(const std::vector<Prefix>& prefixes, unsigned index) {
  std::vector<IpAddress> addresses;
  addresses.reserve(prefixes.size());
  for (const auto& prefix : prefixes) addresses.push_back(prefix.at(index));
  return addresses;
}

std::string node_name(unsigned node) { return fmt::format("node-{}", node); }

ServiceRanges plan_ranges(const LabSpec& spec) {
  ServiceRanges ranges;
  ranges.cluster_ips = of_families(spec, v4(10, 96, 0, 16), v6({0xfd00, 0x96, 0, 0}, 112));
  ranges.external_ips = of_families(spec, v4(203, 0, 113, 24), v6({0x2001, 0xdb8, 0xe, 0}, 64));
  ranges.load_balancers = of_families(spec, v4(198, 51, 100, 24), v6({0x2001, 0xdb8, 0x1b, 0}, 64));
  return ranges;
}

}  // namespace

std::vector<Prefix> pod_prefixes(const LabSpec& spec, unsigned node) {
  return of_families(spec, v4(10, 244, static_cast<std::uint8_t>(node), 24),
                     v6({0xfd44, 0, 0, static_cast<std::uint16_t>(node)}, 64));
}

std::vector<Prefix> cluster_pod_prefixes(const LabSpec& spec) {
  return of_families(spec, v4(10, 244, 0, 16), v6({0xfd44, 0, 0, 0}, 48));
}

// The cluster's DNS is at the tenth address of the first range of cluster IPs, as everywhere.
constexpr std::uint64_t kDnsHost = 10;

std::vector<Prefix> fabric_prefixes(const LabSpec& spec) {
  return of_families(spec, v4(172, 31, 0, 24), v6({0xfd31, 0, 0, 0}, 64));
}

std::vector<Prefix> external_prefixes(const LabSpec& spec) {
  return of_families(spec, v4(192, 0, 2, 24), v6({0x2001, 0xdb8, 0xc, 0}, 64));
}

TopologyNode plan_node(const LabSpec& spec, unsigned node) {
  TopologyNode result;
  result.name = node_name(node);
  if (!spec.zones.empty()) result.zone = spec.zones[(node - 1) % spec.zones.size()];
  result.addresses = hosts(fabric_prefixes(spec), kFirstHost + node);
  result.device = "eth0";
  for (unsigned pod = 0; pod < spec.pods_per_node; ++pod) {
    const auto name = fmt::format("{}-pod-{}", result.name, pod);
    result.pods.push_back({name, hosts(pod_prefixes(spec, node), kFirstHost + pod),
                           fmt::format("{}/{}", kPodDirectory, name), fmt::format("pod-{}", pod)});
  }
  return result;
}

Topology plan_topology(const LabSpec& spec) {
  Topology topology;
  topology.name = spec.name;
  topology.ranges = plan_ranges(spec);
  if (spec.kubernetes && spec.kubernetes->kubelets)
    topology.dns = {{topology.ranges.cluster_ips.front().at(kDnsHost)}, kClusterDomain};
  ExternalClient external{std::string(kExternal), "eth0", {}};
  for (unsigned node = 1; node <= spec.nodes; ++node) {
    topology.nodes.push_back(plan_node(spec, node));
    external.via.push_back({node_name(node), hosts(external_prefixes(spec), kFirstHost + node)});
  }
  topology.external_clients.push_back(std::move(external));
  return topology;
}

std::vector<world::Node> plan_nodes(const LabSpec& spec) {
  std::vector<world::Node> nodes;
  for (unsigned index = 1; index <= spec.nodes; ++index) {
    const auto planned = plan_node(spec, index);
    world::Node node;
    node.name = planned.name;
    node.labels["kubernetes.io/hostname"] = planned.name;
    if (!planned.zone.empty()) node.labels[std::string(world::kZoneLabel)] = planned.zone;
    node.addresses = planned.addresses;
    node.pod_cidrs = pod_prefixes(spec, index);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

std::string fabric_mac() { return "02:31:00:00:00:01"; }
std::string node_mac(unsigned node) { return fmt::format("02:31:00:00:01:{:02x}", node); }
std::string pod_mac(unsigned node, unsigned pod) { return fmt::format("02:44:00:{:02x}:{:02x}:01", node, pod); }
std::string pod_gateway_mac(unsigned node, unsigned pod) { return fmt::format("02:44:00:{:02x}:{:02x}:02", node, pod); }
std::string external_mac() { return "02:c0:00:00:00:01"; }
std::string external_gateway_mac() { return "02:c0:00:00:00:02"; }

}  // namespace conntruth::lab
