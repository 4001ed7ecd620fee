#include "common/codec/topology_json.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace conntruth::codec {

namespace {

using Json = nlohmann::ordered_json;

// Parsing is written with exceptions because the library throws anyway; topology_from_json() is the border.
IpAddress address(const Json& json) {
  auto parsed = IpAddress::parse(json.get<std::string>());
  if (!parsed) throw std::invalid_argument(parsed.error().message);
  return *parsed;
}

Prefix prefix(const Json& json) {
  auto parsed = Prefix::parse(json.get<std::string>());
  if (!parsed) throw std::invalid_argument(parsed.error().message);
  return *parsed;
}

template <typename T, typename Read>
std::vector<T> list(const Json& json, Read read) {
  std::vector<T> result;
  for (const auto& each : json) result.push_back(read(each));
  return result;
}

template <typename T>
Json texts(const std::vector<T>& values) {
  Json result = Json::array();
  for (const auto& value : values) result.push_back(value.to_string());
  return result;
}

template <typename T, typename Write>
Json array(const std::vector<T>& values, Write write) {
  Json result = Json::array();
  for (const auto& value : values) result.push_back(write(value));
  return result;
}

Json write_pod(const Pod& pod) {
  return {{"name", pod.name}, {"addresses", texts(pod.addresses)}, {"netns", pod.netns}, {"device", pod.device}};
}

Pod read_pod(const Json& json) {
  return {json.at("name"), list<IpAddress>(json.at("addresses"), address), json.at("netns"), json.at("device")};
}

Json write_node(const TopologyNode& node) {
  return {{"name", node.name},
          {"zone", node.zone},
          {"addresses", texts(node.addresses)},
          {"device", node.device},
          {"pods", array(node.pods, write_pod)}};
}

TopologyNode read_node(const Json& json) {
  return {json.at("name"), json.at("zone"), list<IpAddress>(json.at("addresses"), address), json.at("device"),
          list<Pod>(json.at("pods"), read_pod)};
}

Json write_via(const ExternalClient::Via& via) { return {{"node", via.node}, {"sources", texts(via.sources)}}; }

ExternalClient::Via read_via(const Json& json) {
  return {json.at("node"), list<IpAddress>(json.at("sources"), address)};
}

Json write_client(const ExternalClient& client) {
  return {{"name", client.name}, {"device", client.device}, {"via", array(client.via, write_via)}};
}

ExternalClient read_client(const Json& json) {
  return {json.at("name"), json.at("device"), list<ExternalClient::Via>(json.at("via"), read_via)};
}

Json write_ranges(const ServiceRanges& ranges) {
  return {{"clusterIPs", texts(ranges.cluster_ips)},       {"externalIPs", texts(ranges.external_ips)},
          {"loadBalancers", texts(ranges.load_balancers)}, {"nodePortFirst", ranges.node_port_first},
          {"nodePortLast", ranges.node_port_last},         {"takenAddresses", texts(ranges.taken_addresses)},
          {"takenNodePorts", ranges.taken_node_ports}};
}

ServiceRanges read_ranges(const Json& json) {
  return {list<Prefix>(json.at("clusterIPs"), prefix), list<Prefix>(json.at("externalIPs"), prefix),
          list<Prefix>(json.at("loadBalancers"), prefix), json.at("nodePortFirst"), json.at("nodePortLast"),
          // older runs have neither
          list<IpAddress>(json.value("takenAddresses", Json::array()), address),
          json.value("takenNodePorts", std::vector<std::uint16_t>())};
}

Json write_dns(const ClusterDns& dns) { return {{"servers", texts(dns.servers)}, {"domain", dns.domain}}; }

// Older runs have none.
ClusterDns read_dns(const Json& json) {
  if (!json.contains("dns")) return {};
  return {list<IpAddress>(json["dns"].at("servers"), address), json["dns"].at("domain")};
}

}  // namespace

std::string topology_to_json(const Topology& topology) {
  Json json = {{"name", topology.name},
               {"nodes", array(topology.nodes, write_node)},
               {"externalClients", array(topology.external_clients, write_client)},
               {"ranges", write_ranges(topology.ranges)}};
  if (!topology.dns.servers.empty()) json["dns"] = write_dns(topology.dns);
  return json.dump(1) + "\n";
}

Result<Topology> topology_from_json(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    return Topology{json.at("name"), list<TopologyNode>(json.at("nodes"), read_node),
                    list<ExternalClient>(json.at("externalClients"), read_client), read_ranges(json.at("ranges")),
                    read_dns(json)};
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidInput, std::string("topology: ") + error.what());
  }
}

}  // namespace conntruth::codec
