// A World as one JSON List, one object per line, so that a message's line number points at one object.
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/world/world_reader.hpp"

namespace conntruth::world {
namespace {

using Json = nlohmann::ordered_json;

std::string_view api_word(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return "TCP";
    case Protocol::kUdp:
      return "UDP";
    case Protocol::kSctp:
      return "SCTP";
  }
  return "?";
}

std::string_view api_word(ServiceType type) {
  switch (type) {
    case ServiceType::kClusterIp:
      return "ClusterIP";
    case ServiceType::kNodePort:
      return "NodePort";
    case ServiceType::kLoadBalancer:
      return "LoadBalancer";
    case ServiceType::kExternalName:
      return "ExternalName";
  }
  return "?";
}

std::string_view api_word(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }
std::string_view api_word(TrafficPolicy policy) { return policy == TrafficPolicy::kLocal ? "Local" : "Cluster"; }
std::string_view api_word(IpMode mode) { return mode == IpMode::kProxy ? "Proxy" : "VIP"; }

template <typename List>
Json texts(const List& list) {
  auto result = Json::array();
  for (const auto& each : list) result.push_back(each.to_string());
  return result;
}

Json names(const std::vector<std::string>& list) {
  auto result = Json::array();
  for (const auto& each : list) result.push_back({{"name", each}});
  return result;
}

void add_labels(Json& metadata, const Labels& labels, const char* key = "labels") {
  if (!labels.empty()) metadata[key] = labels;
}

Json node_json(const Node& node) {
  Json metadata{{"name", node.name}};
  if (node.deleting) metadata["deletionTimestamp"] = "1970-01-01T00:00:00Z";
  add_labels(metadata, node.labels);
  Json spec = Json::object();
  if (!node.pod_cidrs.empty()) spec["podCIDRs"] = texts(node.pod_cidrs);
  for (const auto& taint : node.taints) {
    spec["taints"].push_back({{"key", taint.key}, {"value", taint.value}, {"effect", taint.effect}});
  }
  auto addresses = Json::array();
  for (const auto& each : node.addresses) addresses.push_back({{"type", "InternalIP"}, {"address", each.to_string()}});
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)},
          {"status", {{"addresses", std::move(addresses)}}}};
}

Json port_json(const ServicePort& port) {
  Json result = Json::object();
  if (!port.name.empty()) result["name"] = port.name;
  result["protocol"] = api_word(port.protocol);
  result["port"] = port.port;
  if (const auto* number = std::get_if<std::uint16_t>(&port.target_port)) {
    if (*number != 0) result["targetPort"] = *number;
  } else {
    result["targetPort"] = std::get<std::string>(port.target_port);
  }
  if (port.node_port != 0) result["nodePort"] = port.node_port;
  return result;
}

void add_addresses(Json& spec, const Service& service) {
  if (service.headless) {
    spec["clusterIP"] = "None";
    spec["clusterIPs"] = {"None"};
  } else if (!service.cluster_ips.empty()) {
    spec["clusterIP"] = service.cluster_ips.front().to_string();
    spec["clusterIPs"] = texts(service.cluster_ips);
  }
  for (const auto family : service.ip_families) spec["ipFamilies"].push_back(api_word(family));
  if (!service.external_ips.empty()) spec["externalIPs"] = texts(service.external_ips);
  if (!service.source_ranges.empty()) spec["loadBalancerSourceRanges"] = texts(service.source_ranges);
}

Json spec_json(const Service& service) {
  Json spec{{"type", api_word(service.type)}};
  for (const auto& port : service.ports) spec["ports"].push_back(port_json(port));
  add_addresses(spec, service);
  spec["internalTrafficPolicy"] = api_word(service.internal_policy);
  spec["externalTrafficPolicy"] = api_word(service.external_policy);
  if (service.affinity_timeout_s) {
    spec["sessionAffinity"] = "ClientIP";
    spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] = *service.affinity_timeout_s;
  }
  if (service.publish_not_ready_addresses) spec["publishNotReadyAddresses"] = true;
  if (!service.allocate_node_ports) spec["allocateLoadBalancerNodePorts"] = false;
  if (!service.traffic_distribution.empty()) spec["trafficDistribution"] = service.traffic_distribution;
  if (!service.external_name.empty()) spec["externalName"] = service.external_name;
  if (!service.load_balancer_class.empty()) spec["loadBalancerClass"] = service.load_balancer_class;
  if (service.health_check_node_port != 0) spec["healthCheckNodePort"] = service.health_check_node_port;
  return spec;
}

Json service_json(const Service& service) {
  Json metadata{{"namespace", service.namespace_name}, {"name", service.name}};
  add_labels(metadata, service.labels);
  add_labels(metadata, service.annotations, "annotations");
  Json result{
      {"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", std::move(metadata)}, {"spec", spec_json(service)}};
  for (const auto& each : service.ingress) {
    result["status"]["loadBalancer"]["ingress"].push_back(
        {{"ip", each.address.to_string()}, {"ipMode", api_word(each.mode)}});
  }
  return result;
}

Json endpoint_json(const Endpoint& endpoint) {
  Json result{{"addresses", texts(endpoint.addresses)}};
  if (endpoint.ready) result["conditions"]["ready"] = *endpoint.ready;
  if (endpoint.serving) result["conditions"]["serving"] = *endpoint.serving;
  if (endpoint.terminating) result["conditions"]["terminating"] = *endpoint.terminating;
  if (!endpoint.node_name.empty()) result["nodeName"] = endpoint.node_name;
  if (!endpoint.zone.empty()) result["zone"] = endpoint.zone;
  if (endpoint.zone_hints) result["hints"]["forZones"] = names(*endpoint.zone_hints);
  if (endpoint.node_hints) result["hints"]["forNodes"] = names(*endpoint.node_hints);
  if (!endpoint.target_name.empty()) result["targetRef"] = {{"kind", "Pod"}, {"name", endpoint.target_name}};
  return result;
}

Json slice_json(const EndpointSlice& slice) {
  Json metadata{{"namespace", slice.namespace_name}, {"name", slice.name}};
  auto labels = slice.labels;
  if (!slice.service_name.empty()) labels[std::string(kServiceNameLabel)] = slice.service_name;
  add_labels(metadata, labels);
  auto ports = Json::array();
  for (const auto& port : slice.ports) {
    Json entry{{"name", port.name}, {"protocol", api_word(port.protocol)}};
    if (port.port != 0) entry["port"] = port.port;
    ports.push_back(std::move(entry));
  }
  auto endpoints = Json::array();
  for (const auto& endpoint : slice.endpoints) endpoints.push_back(endpoint_json(endpoint));
  return {{"apiVersion", "discovery.k8s.io/v1"},   {"kind", "EndpointSlice"},   {"metadata", std::move(metadata)},
          {"addressType", api_word(slice.family)}, {"ports", std::move(ports)}, {"endpoints", std::move(endpoints)}};
}

}  // namespace

std::string write_world(const World& world) {
  auto text = R"({"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":")" + std::to_string(world.generation) +
              "\"},\"items\":[";
  const auto* separator = "\n";
  const auto add = [&](const Json& object) {
    text += separator + object.dump(-1, ' ', false, Json::error_handler_t::replace);
    separator = ",\n";
  };
  for (const auto& node : world.nodes) add(node_json(node));
  for (const auto& service : world.services) add(service_json(service));
  for (const auto& slice : world.slices) add(slice_json(slice));
  return text + "\n]}\n";
}

}  // namespace conntruth::world
