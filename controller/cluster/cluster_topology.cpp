#include "controller/cluster/cluster_topology.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace conntruth::cluster {
namespace {

constexpr std::size_t kNamed = 5;  // of many, in a message

std::vector<Prefix> documentation(const char* four, const char* six) {
  return {*Prefix::parse(four), *Prefix::parse(six)};
}

ServiceRanges ranges_of(const ClusterFacts& facts, const TopologyOptions& options) {
  ServiceRanges ranges;
  const auto& services = options.service_ranges.empty() ? facts.service_ranges : options.service_ranges;
  // One of each family is enough for a run's Services.
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const auto of_family = [family](const Prefix& prefix) { return prefix.address.family() == family; };
    const auto found = std::ranges::find_if(services, of_family);
    if (found != services.end()) ranges.cluster_ips.push_back(*found);
  }
  ranges.external_ips =
      options.external_ips.empty() ? documentation("203.0.113.0/24", "2001:db8:e::/64") : options.external_ips;
  ranges.load_balancers =
      options.load_balancers.empty() ? documentation("198.51.100.0/24", "2001:db8:1b::/64") : options.load_balancers;
  ranges.node_port_first = options.node_port_first;
  ranges.node_port_last = options.node_port_last;
  ranges.taken_addresses = facts.taken_addresses;
  ranges.taken_node_ports = facts.taken_node_ports;
  return ranges;
}

// The first of each family that Services have here.
std::vector<IpAddress> first_ones(const std::vector<IpAddress>& addresses, const ServiceRanges& ranges) {
  std::vector<IpAddress> result;
  for (const auto& range : ranges.cluster_ips) {
    const auto found = std::ranges::find(addresses, range.address.family(), &IpAddress::family);
    if (found != addresses.end()) result.push_back(*found);
  }
  return result;
}

std::string taints_of(const world::Node& node) {
  std::vector<std::string> words;
  for (const auto& taint : node.taints)
    words.push_back(fmt::format("{}{}{}:{}", taint.key, taint.value.empty() ? "" : "=", taint.value, taint.effect));
  return words.empty() ? "" : fmt::format(" (the node's taints: {})", fmt::join(words, ", "));
}

// Why a pod cannot be counted on, or "".
std::string lacking(const PodFacts* pod, std::string_view what, const world::Node& node) {
  if (pod == nullptr) return fmt::format("{} has no {}{}", node.name, what, taints_of(node));
  if (!pod->ready) return fmt::format("{}: {} {} is not ready: {}", node.name, what, pod->name, pod->state);
  return {};
}

TopologyNode node_of(const NodeFacts& facts, const ClusterFacts& all, const TopologyOptions& options,
                     const ServiceRanges& ranges) {
  TopologyNode node{facts.node.name, facts.node.zone().value_or(""), first_ones(facts.node.addresses, ranges), "", {}};
  for (std::size_t number = 0; number < options.anchors; ++number) {
    const auto* pod = pod_on(all, node.name, "anchor", static_cast<int>(number));
    node.pods.push_back({fmt::format("{}-pod-{}", node.name, number), first_ones(pod->addresses, ranges), "", ""});
  }
  return node;
}

}  // namespace

const PodFacts* pod_on(const ClusterFacts& all, const std::string& node, std::string_view component, int ordinal) {
  const PodFacts* result = nullptr;
  for (const auto& pod : all.pods) {
    if (pod.node != node || pod.component != component || pod.ordinal != ordinal) continue;
    if (result == nullptr || pod.ready) result = &pod;
  }
  return result;
}

std::string why_uncovered(const NodeFacts& facts, const ClusterFacts& all, std::size_t anchors) {
  const auto& node = facts.node;
  if (!facts.ready) return fmt::format("{} is not ready: {}", node.name, facts.why);
  if (auto why = lacking(pod_on(all, node.name, "agent", -1), "agent", node); !why.empty()) return why;
  for (std::size_t number = 0; number < anchors; ++number) {
    const auto* pod = pod_on(all, node.name, "anchor", static_cast<int>(number));
    if (auto why = lacking(pod, fmt::format("anchor {}", number), node); !why.empty()) return why;
    if (pod->addresses.empty()) return fmt::format("{}: anchor pod {} has no address", node.name, pod->name);
  }
  return {};
}

Result<ClusterTopology> topology_of(const ClusterFacts& facts, const TopologyOptions& options) {
  if (!facts.services_in_our_way.empty()) {
    return fail(ErrorCode::kConflict,
                fmt::format("Services of others are in the namespace of our worlds: {}; move them to another one",
                            fmt::join(facts.services_in_our_way, ", ")));
  }
  ClusterTopology result;
  result.topology.name = options.name;
  result.topology.dns = options.dns;
  result.topology.ranges = ranges_of(facts, options);
  if (result.topology.ranges.cluster_ips.empty())
    return fail(ErrorCode::kInvalidInput, "the cluster names no Service range; name it with --service-range");
  for (const auto& node : facts.nodes) {
    if (auto why = why_uncovered(node, facts, options.anchors); !why.empty()) {
      result.uncovered.push_back(std::move(why));
    } else {
      result.topology.nodes.push_back(node_of(node, facts, options, result.topology.ranges));
    }
  }
  if (!result.topology.nodes.empty()) return result;
  const auto named = std::min(kNamed, result.uncovered.size());
  return fail(
      ErrorCode::kUnavailable,
      fmt::format("no node of the cluster can be probed from: {}{}; `kubectl -n conntruth-system get pods -o "
                  "wide` shows the install",
                  fmt::join(result.uncovered.begin(), result.uncovered.begin() + static_cast<long>(named), "; "),
                  named < result.uncovered.size() ? "; and so on" : ""));
}

}  // namespace conntruth::cluster
