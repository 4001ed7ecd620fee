// Node and EndpointSlice.
#include <fmt/core.h>

#include <array>

#include "common/world/objects.hpp"

namespace conntruth::world {
namespace {

constexpr std::array<std::string_view, 3> kProtocolWords{"TCP", "UDP", "SCTP"};
constexpr std::array kProtocols{Protocol::kTcp, Protocol::kUdp, Protocol::kSctp};
constexpr std::array<std::string_view, 3> kAddressTypeWords{"IPv4", "IPv6", "FQDN"};

void add_node_addresses(const Field& list, std::string_view type, std::vector<IpAddress>& into) {
  for (const auto& item : list.items()) {
    if (item["type"].text() != type) continue;
    if (const auto address = item["address"].address()) into.push_back(*address);
  }
}

std::vector<Taint> read_taints(const Field& list) {
  std::vector<Taint> result;
  for (const auto& item : list.items()) {
    result.push_back({item["key"].required_text(), item["value"].text(), item["effect"].text()});
  }
  return result;
}

std::optional<std::vector<std::string>> read_hints(const Field& list) {
  if (!list.present()) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& item : list.items()) names.push_back(item["name"].required_text());
  return names;
}

std::vector<IpAddress> read_endpoint_addresses(const Field& list, Family family) {
  if (!list.present()) list.wrong("is required");
  std::vector<IpAddress> result;
  for (const auto& item : list.items()) {
    const auto address = item.address();
    if (!address) continue;
    if (address->family() != family)
      item.wrong(fmt::format("{} is not an {} address", address->to_string(), to_string(family)));
    result.push_back(*address);
  }
  if (list.present() && result.empty()) list.wrong("names no address");
  return result;
}

Endpoint read_endpoint(const Field& object, Family family) {
  Endpoint endpoint;
  endpoint.addresses = read_endpoint_addresses(object["addresses"], family);
  const auto conditions = object["conditions"];
  endpoint.ready = conditions["ready"].boolean();
  endpoint.serving = conditions["serving"].boolean();
  endpoint.terminating = conditions["terminating"].boolean();
  endpoint.node_name = object["nodeName"].text();
  endpoint.zone = object["zone"].text();
  endpoint.zone_hints = read_hints(object["hints"]["forZones"]);
  endpoint.node_hints = read_hints(object["hints"]["forNodes"]);
  endpoint.target_name = object["targetRef"]["name"].text();
  return endpoint;
}

EndpointPort read_endpoint_port(const Field& object) {
  EndpointPort port;
  port.name = object["name"].text();
  if (const auto index = object["protocol"].one_of(kProtocolWords)) port.protocol = kProtocols.at(*index);
  port.port = static_cast<std::uint16_t>(object["port"].number(1, 65535).value_or(0));
  return port;
}

}  // namespace

Labels read_labels(const Field& map) {
  Labels labels;
  for (const auto& member : map.members()) labels[member.key()] = member.text();
  return labels;
}

Node read_node(const Field& object) {
  Node node;
  const auto metadata = object["metadata"];
  const auto spec = object["spec"];
  node.name = metadata["name"].required_text();
  node.labels = read_labels(metadata["labels"]);
  node.deleting = metadata["deletionTimestamp"].present();
  node.taints = read_taints(spec["taints"]);
  node.pod_cidrs = spec["podCIDRs"].prefixes();
  const auto single = spec["podCIDR"];
  if (node.pod_cidrs.empty() && single.present()) {
    const auto prefix = Prefix::parse(single.text());
    if (prefix) {
      node.pod_cidrs.push_back(*prefix);
    } else {
      single.wrong(prefix.error().message);
    }
  }
  for (const auto* type : {"InternalIP", "ExternalIP"})
    add_node_addresses(object["status"]["addresses"], type, node.addresses);
  return node;
}

std::optional<EndpointSlice> read_slice(const Field& object) {
  EndpointSlice slice;
  const auto metadata = object["metadata"];
  slice.namespace_name = metadata["namespace"].text("default");
  slice.name = metadata["name"].required_text();
  slice.labels = read_labels(metadata["labels"]);
  if (const auto label = slice.labels.find(std::string(kServiceNameLabel)); label != slice.labels.end()) {
    slice.service_name = label->second;
    slice.labels.erase(label);
  }
  const auto type = object["addressType"];
  if (!type.present()) type.wrong("is required");
  const auto index = type.one_of(kAddressTypeWords).value_or(0);
  if (index == 2) return std::nullopt;
  slice.family = index == 0 ? Family::kIpv4 : Family::kIpv6;
  for (const auto& item : object["ports"].items()) slice.ports.push_back(read_endpoint_port(item));
  for (const auto& item : object["endpoints"].items()) slice.endpoints.push_back(read_endpoint(item, slice.family));
  return slice;
}

}  // namespace conntruth::world
