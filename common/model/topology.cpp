#include "common/model/topology.hpp"

#include <algorithm>

namespace conntruth {

const TopologyNode* Topology::node(std::string_view node_name) const {
  const auto found = std::ranges::find(nodes, node_name, &TopologyNode::name);
  return found == nodes.end() ? nullptr : &*found;
}

const TopologyNode* Topology::node_of_pod(std::string_view pod_name) const {
  for (const auto& each : nodes) {
    if (std::ranges::find(each.pods, pod_name, &Pod::name) != each.pods.end()) return &each;
  }
  return nullptr;
}

const Pod* Topology::pod(std::string_view pod_name) const {
  const auto* owner = node_of_pod(pod_name);
  return owner == nullptr ? nullptr : &*std::ranges::find(owner->pods, pod_name, &Pod::name);
}

IpAddress address_of(const std::vector<IpAddress>& addresses, Family family) {
  const auto found = std::ranges::find(addresses, family, &IpAddress::family);
  if (found != addresses.end()) return *found;
  return family == Family::kIpv4 ? IpAddress() : IpAddress::v6({});
}

}  // namespace conntruth
