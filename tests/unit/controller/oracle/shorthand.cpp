#include "tests/unit/controller/oracle/shorthand.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace conntruth::oracle::shorthand {
namespace {

constexpr std::array kProtocols = {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp};
constexpr std::array kFamilies = {Family::kIpv4, Family::kIpv6};
constexpr int kNodes = 3;

struct PortWord {  // "http:80", "http:80/udp", "http:80>30080", "http:80/tcp>30080"
  std::string name;
  std::uint16_t port = 0;
  std::uint16_t node_port = 0;
  std::vector<Protocol> protocols;
  // A port without a protocol stands for all three, each with a name of its own.
  [[nodiscard]] std::string name_for(Protocol protocol) const {
    return protocols.size() == 1 ? name : fmt::format("{}-{}", name, to_string(protocol));
  }
};

PortWord port_word(std::string text) {
  PortWord word;
  if (const auto at = text.find('>'); at != std::string::npos) {
    word.node_port = port_number(text.substr(at + 1));
    text.resize(at);
  }
  if (const auto at = text.find('/'); at != std::string::npos) {
    word.protocols = {parse_protocol(text.substr(at + 1)).value()};
    text.resize(at);
  } else {
    word.protocols.assign(kProtocols.begin(), kProtocols.end());
  }
  const auto colon = text.find(':');
  if (colon == std::string::npos) bad("no port: " + text);
  word.name = text.substr(0, colon);
  word.port = port_number(text.substr(colon + 1));
  return word;
}

void add_ports(world::Service& service, const std::string& text) {
  for (const std::string& each : split(text, ',')) {
    const PortWord word = port_word(each);
    for (const Protocol protocol : word.protocols) {
      service.ports.push_back({word.name_for(protocol), protocol, word.port, std::uint16_t{0}, word.node_port});
    }
  }
}

world::ServiceType type_of(const std::string& word) {
  if (word == "ClusterIP") return world::ServiceType::kClusterIp;
  if (word == "NodePort") return world::ServiceType::kNodePort;
  if (word == "LoadBalancer") return world::ServiceType::kLoadBalancer;
  if (word == "ExternalName") return world::ServiceType::kExternalName;
  bad("no Service type: " + word);
}

std::string role(const char* name, int index) { return fmt::format("{}{}", name, index); }

void add_addresses(world::Service& service, const std::string& word, int index) {
  for (const Family family : service.ip_families) {
    if (word == "ext") service.external_ips.push_back(address_of(role("ext", index), family));
    if (word == "lb") service.ingress.push_back({address_of(role("lb", index), family), world::IpMode::kVip});
    if (word == "lb=proxy") service.ingress.push_back({address_of(role("lb", index), family), world::IpMode::kProxy});
  }
}

void set_value(world::Service& service, const std::string& key, const std::string& value) {
  if (key == "itp") {
    service.internal_policy = value == "Local" ? world::TrafficPolicy::kLocal : world::TrafficPolicy::kCluster;
  } else if (key == "etp") {
    service.external_policy = value == "Local" ? world::TrafficPolicy::kLocal : world::TrafficPolicy::kCluster;
  } else if (key == "affinity") {
    service.affinity_timeout_s = static_cast<std::uint32_t>(std::stoul(value));
  } else if (key == "hcnp") {
    service.health_check_node_port = port_number(value);
  } else if (key == "ranges") {
    for (const auto& range : split(value, ',')) service.source_ranges.push_back(Prefix::parse(range).value());
  } else if (key == "label") {
    service.labels[value] = "";
  } else if (key == "annotation") {
    service.annotations[value] = "Auto";
  } else if (key == "to") {  // the other name of an ExternalName Service: a Service's, or one with dots
    service.external_name = value.find('.') == std::string::npos ? value + kZone : value;
  } else if (key == "td") {
    service.traffic_distribution = value;
  } else if (key == "share") {  // the addresses of the Service with that number
    service.external_ips = {address_of(role("ext", std::stoi(value)), Family::kIpv4)};
  } else {
    bad("no Service attribute: " + key);
  }
}

void set_word(world::Service& service, const std::string& word, int index) {
  const auto equals = word.find('=');
  if (word == "ext" || word == "lb" || word == "lb=proxy") {
    add_addresses(service, word, index);
  } else if (word == "headless") {
    service.headless = true;
    service.cluster_ips.clear();
  } else if (word == "publish") {
    service.publish_not_ready_addresses = true;
  } else if (word == "no-node-ports") {
    service.allocate_node_ports = false;
  } else if (word == "only4" || word == "only6") {
    service.ip_families = {word == "only4" ? Family::kIpv4 : Family::kIpv6};
    service.cluster_ips = {address_of(role("vip", index), service.ip_families.front())};
  } else if (equals != std::string::npos) {
    set_value(service, word.substr(0, equals), word.substr(equals + 1));
  } else {
    bad("no Service word: " + word);
  }
}

world::Service service_of(const std::vector<std::string>& text, int index) {
  world::Service service;
  service.namespace_name = "default";
  service.name = text.at(0);
  service.type = type_of(text.at(1));
  if (text.at(2) != "-") add_ports(service, text.at(2));
  for (const Family family : kFamilies) {
    service.ip_families.push_back(family);
    if (service.type == world::ServiceType::kExternalName) continue;
    service.cluster_ips.push_back(address_of(role("vip", index), family));
  }
  for (std::size_t at = 3; at < text.size(); ++at) set_word(service, text[at], index);
  return service;
}

void set_conditions(world::Endpoint& endpoint, char mark) {
  const auto set = [&](bool ready, bool serving, bool terminating) {
    endpoint.ready = ready;
    endpoint.serving = serving;
    endpoint.terminating = terminating;
  };
  switch (mark) {
    case '!':
      return set(false, false, false);  // not ready
    case '~':
      return set(false, true, true);  // terminating, serving
    case '^':
      return set(false, false, true);  // terminating, not serving
    case '+':
      return set(true, true, true);  // terminating, published as ready
    case '*':
      return set(true, false, false);  // unready, published as ready
    case '$':
      return set(true, false, true);  // unready and terminating, published as ready
    case '#':
      return set(false, true, false);  // not ready though serving
    case '?':
      endpoint.ready = endpoint.serving = endpoint.terminating = std::nullopt;
      return;
    case '&':
      set(false, true, true);
      endpoint.serving = std::nullopt;
      return;  // an absent serving counts as true
    default:
      bad(std::string("no condition mark ") + mark);
  }
}

// "n1p0", "n1", "-n1p0" (no nodeName), then marks: conditions, "@a/b" zone hints, "%1/2" node hints.
world::Endpoint endpoint_of(const std::string& word, Family family) {
  const bool homeless = word.front() == '-';
  const std::size_t begin = homeless ? 1 : 0;
  std::size_t end = word.find_first_not_of("np0123456789", begin);
  end = std::min(end, word.size());
  const std::string token = word.substr(begin, end - begin);
  world::Endpoint endpoint;
  endpoint.addresses = {address_of(token, family)};
  if (!homeless) endpoint.node_name = node_name(token.substr(1, 1));
  endpoint.target_name = token;
  endpoint.ready = endpoint.serving = true;
  endpoint.terminating = false;
  const auto hints = std::min(word.find_first_of("@%"), word.size());
  for (std::size_t at = end; at < hints; ++at) set_conditions(endpoint, word[at]);
  for (std::size_t at = hints; at < word.size();) {
    const auto next = std::min(word.find_first_of("@%", at + 1), word.size());
    auto members = split(word.substr(at + 1, next - at - 1), '/');
    if (word[at] == '%') std::ranges::transform(members, members.begin(), node_name);
    (word[at] == '@' ? endpoint.zone_hints : endpoint.node_hints) = members;
    at = next;
  }
  return endpoint;
}

world::EndpointSlice slice_of(const world::Service& service, const std::vector<std::string>& text, Family family,
                              int index) {
  world::EndpointSlice slice;
  slice.namespace_name = service.namespace_name;
  slice.service_name = service.name;
  slice.name = fmt::format("{}-{}-{}", service.name, to_string(family), index);
  slice.family = family;
  std::size_t at = text.at(0) == "4" || text.at(0) == "6" ? 1 : 0;
  if (text.at(at) != "-") {
    for (const std::string& each : split(text.at(at), ',')) {
      const PortWord word = port_word(each);
      for (const Protocol protocol : word.protocols)
        slice.ports.push_back({word.name_for(protocol), protocol, word.port});
    }
  }
  for (++at; at < text.size(); ++at) {
    if (text[at].starts_with("label=")) {
      slice.labels[text[at].substr(6)] = "";
    } else {
      slice.endpoints.push_back(endpoint_of(text[at], family));
    }
  }
  return slice;
}

world::Node node_of(int number) {
  world::Node node;
  node.name = node_name(std::to_string(number));
  for (const Family family : kFamilies) {
    node.addresses.push_back(address_of(fmt::format("n{}", number), family));
    node.pod_cidrs.push_back(Prefix::parse(family == Family::kIpv4 ? fmt::format("10.244.{}.0/24", number)
                                                                   : fmt::format("fd44:0:0:{}::/64", number))
                                 .value());
  }
  node.labels[std::string(world::kZoneLabel)] = std::string(1, static_cast<char>('a' + number - 1));
  return node;
}

void change_node(world::World& world, const std::vector<std::string>& text) {
  world::Node& node = world.nodes.at(static_cast<std::size_t>(std::stoi(text.at(0).substr(1)) - 1));
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == "deleting") {
      node.deleting = true;
    } else if (text[at] == "tainted") {
      node.taints.push_back({std::string(world::kScaleDownTaint), "", "NoSchedule"});
    } else if (text[at] == "second-address") {
      for (const Family family : kFamilies) node.addresses.push_back(address_of("m" + text[0].substr(1), family));
    } else if (text[at].starts_with("zone=")) {
      node.labels[std::string(world::kZoneLabel)] = text[at].substr(5);
    } else {
      bad("no Node attribute: " + text[at]);
    }
  }
}

EntryKind kind_of(const std::string& word) {
  for (int number = 0; number <= static_cast<int>(EntryKind::kName); ++number) {
    if (to_string(static_cast<EntryKind>(number)) == word) return static_cast<EntryKind>(number);
  }
  bad("no entry kind: " + word);
}

Vantage vantage_of(const std::string& token, Family family) {
  Vantage vantage;
  vantage.node = node_name(token.substr(1, 1));
  vantage.source = address_of(token, family);
  vantage.kind = token.front() == 'x' ? VantageKind::kExternal
                 : token.size() > 2   ? VantageKind::kPod
                                      : VantageKind::kNode;
  if (vantage.kind == VantageKind::kPod) vantage.pod = fmt::format("{}-pod-{}", vantage.node, token.substr(3));
  return vantage;
}

}  // namespace

world::World world_of(const std::vector<std::string>& services, const std::vector<std::string>& nodes) {
  world::World world;
  for (int number = 1; number <= kNodes; ++number) world.nodes.push_back(node_of(number));
  for (const std::string& node : nodes) change_node(world, words(node));
  int index = 0;
  for (const std::string& line : services) {
    const auto parts = split(line, '|');
    const world::Service service = service_of(words(parts.at(0)), ++index);
    for (std::size_t at = 1; at < parts.size(); ++at) {
      const auto text = words(parts[at]);
      for (const Family family : kFamilies) {
        if (text.at(0) == (family == Family::kIpv4 ? "6" : "4")) continue;
        world.slices.push_back(slice_of(service, text, family, static_cast<int>(at)));
      }
    }
    world.services.push_back(service);
  }
  return world;
}

Flow flow_of(const std::string& text, const std::string& wire) {
  const auto parts = words(text);  // vantage -> kind target [service]
  Flow flow;
  flow.protocol = parse_protocol(wire.substr(0, wire.size() - 1)).value();
  const Family family = wire.back() == '4' ? Family::kIpv4 : Family::kIpv6;
  flow.vantage = vantage_of(parts.at(0), family);
  flow.entry.kind = kind_of(parts.at(2));
  flow.entry.target = socket_address(parts.at(3), family);
  const bool at_node = flow.entry.kind == EntryKind::kNodePort || !http_path(flow.entry.kind).empty();
  if (at_node) flow.entry.node = node_name(parts[3].substr(1, 1));
  flow.entry.service = parts.size() > 4 ? (parts[4] == "-" ? "" : "default/" + parts[4]) : "default/web";
  if (flow.entry.kind == EntryKind::kName)
    flow.entry.name = (flow.entry.service.empty() ? "nobody" : parts.at(4)) + kZone;
  return flow;
}

}  // namespace conntruth::oracle::shorthand
