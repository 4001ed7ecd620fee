#include "controller/plan/places.hpp"

#include <algorithm>

namespace conntruth::plan {

Vantage Origin::vantage(Family family) const { return {kind, node, pod, address_of(sources, family)}; }

std::string Origin::label() const { return Vantage{kind, node, pod, {}}.name(); }

Places::Places(const Topology& topology) {
  for (std::size_t index = 0; index < topology.nodes.size(); ++index) {
    const auto& node = topology.nodes[index];
    auto& entry = nodes_.emplace_back();
    entry.node = {node.name, "", node.name, index, node.addresses};
    for (const auto& pod : node.pods) entry.pods.push_back({node.name, pod.name, pod.name, index, pod.addresses});
  }
  for (const auto& entry : nodes_) {
    for (const auto& address : entry.node.addresses) by_address_.emplace(address, &entry.node);
    for (const auto& pod : entry.pods) {
      for (const auto& address : pod.addresses) by_address_.emplace(address, &pod);
    }
  }
  for (const auto& client : topology.external_clients) {
    for (const auto& via : client.via) {
      const auto node = std::ranges::find(topology.nodes, via.node, &TopologyNode::name);
      const auto index = static_cast<std::size_t>(node - topology.nodes.begin());
      external_.push_back({VantageKind::kExternal, client.name, "", via.node, index, "", via.sources, nullptr});
    }
  }
  std::ranges::stable_sort(external_, {}, &Origin::node_index);
}

const Place* Places::find(const IpAddress& address) const {
  const auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : found->second;
}

Origin Places::origin(const Place& place) const {
  const auto kind = place.name.empty() ? VantageKind::kNode : VantageKind::kPod;
  return {kind,       place.agent, place.name,      nodes_[place.node].node.label,
          place.node, place.name,  place.addresses, &place};
}

}  // namespace conntruth::plan
