#include <nlohmann/json.hpp>

#include "lab/files.hpp"

namespace conntruth::lab {

namespace {

using Json = nlohmann::ordered_json;

template <typename T>
Json texts(const std::vector<T>& values) {
  auto list = Json::array();
  for (const auto& value : values) list.push_back(value.to_string());
  return list;
}

Json node_json(const TopologyNode& node) {
  Json result = {
      {"name", node.name}, {"zone", node.zone}, {"addresses", texts(node.addresses)}, {"device", node.device}};
  result["pods"] = Json::array();
  for (const auto& pod : node.pods) {
    result["pods"].push_back(
        {{"name", pod.name}, {"addresses", texts(pod.addresses)}, {"device", pod.device}, {"netns", pod.netns}});
  }
  return result;
}

Json external_json(const ExternalClient& client) {
  Json result = {{"name", client.name}, {"device", client.device}, {"via", Json::array()}};
  for (const auto& via : client.via) result["via"].push_back({{"node", via.node}, {"sources", texts(via.sources)}});
  return result;
}

}  // namespace

std::string topology_json(const Topology& topology) {
  Json document = {{"name", topology.name}, {"nodes", Json::array()}};
  for (const auto& node : topology.nodes) document["nodes"].push_back(node_json(node));
  document["external"] = external_json(topology.external_clients.front());
  const auto& ranges = topology.ranges;
  document["ranges"] = {{"clusterIPs", texts(ranges.cluster_ips)},
                        {"externalIPs", texts(ranges.external_ips)},
                        {"loadBalancers", texts(ranges.load_balancers)},
                        {"nodePorts", {{"first", ranges.node_port_first}, {"last", ranges.node_port_last}}}};
  if (!topology.dns.servers.empty())
    document["dns"] = {{"servers", texts(topology.dns.servers)}, {"domain", topology.dns.domain}};
  return document.dump(2) + "\n";
}

}  // namespace conntruth::lab
