// Service: spec and status.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "common/world/objects.hpp"

namespace conntruth::world {
namespace {

constexpr std::array<std::string_view, 3> kProtocolWords{"TCP", "UDP", "SCTP"};
constexpr std::array kProtocols{Protocol::kTcp, Protocol::kUdp, Protocol::kSctp};
constexpr std::array<std::string_view, 4> kTypeWords{"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"};
constexpr std::array kTypes{ServiceType::kClusterIp, ServiceType::kNodePort, ServiceType::kLoadBalancer,
                            ServiceType::kExternalName};
constexpr std::array<std::string_view, 2> kPolicyWords{"Cluster", "Local"};
constexpr std::array kPolicies{TrafficPolicy::kCluster, TrafficPolicy::kLocal};
constexpr std::array<std::string_view, 2> kAffinityWords{"None", "ClientIP"};
constexpr std::array<std::string_view, 2> kIpModeWords{"VIP", "Proxy"};
constexpr std::array kIpModes{IpMode::kVip, IpMode::kProxy};
constexpr std::array<std::string_view, 2> kFamilyWords{"IPv4", "IPv6"};
constexpr std::array kFamilies{Family::kIpv4, Family::kIpv6};
constexpr std::uint32_t kDefaultAffinityTimeout = 10800;

template <typename T, std::size_t N>
void choose(const Field& field, const std::array<std::string_view, N>& words, const std::array<T, N>& values, T& into) {
  if (const auto index = field.one_of(words)) into = values.at(*index);
}

template <typename T>
void keep(const std::optional<T>& value, T& into) {
  if (value) into = *value;
}

void port_number(const Field& field, std::int64_t least, std::uint16_t& into) {
  if (const auto number = field.number(least, 65535)) into = static_cast<std::uint16_t>(*number);
}

void read_ports(const Field& list, Service& service) {
  if (!list.present()) return;
  service.ports.clear();
  for (const auto& item : list.items()) {
    auto port = read_service_port(item);
    for (const auto& other : service.ports) {
      if (other.name == port.name) item.wrong(fmt::format("a second port named \"{}\"", port.name));
      if (other.port != port.port || other.protocol != port.protocol) continue;
      item.wrong(fmt::format("port {}/{} is already \"{}\"", port.port, to_string(port.protocol), other.name));
    }
    service.ports.push_back(std::move(port));
  }
}

void read_cluster_ips(const Field& spec, Service& service) {
  const auto one = spec["clusterIP"];
  const auto several = spec["clusterIPs"];
  if (!one.present() && !several.present()) return;
  service.headless = false;
  service.cluster_ips.clear();
  const auto add = [&](const Field& field) {
    const auto text = field.text();
    if (text.empty()) return;
    if (text == "None") {
      service.headless = true;
    } else if (const auto address = field.address()) {
      if (service.cluster_ip(address->family())) field.wrong("a second cluster IP of one family");
      service.cluster_ips.push_back(*address);
    }
  };
  if (!several.present()) return add(one);
  for (const auto& item : several.items()) add(item);
}

void read_affinity(const Field& spec, Service& service) {
  const auto timeout = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].number(1, 86400);
  const auto affinity = spec["sessionAffinity"].one_of(kAffinityWords);
  if (!affinity) return;
  service.affinity_timeout_s.reset();
  if (*affinity == 1)
    service.affinity_timeout_s = static_cast<std::uint32_t>(timeout.value_or(kDefaultAffinityTimeout));
}

void read_families(const Field& list, Service& service) {
  if (!list.present()) return;
  service.ip_families.clear();
  for (const auto& item : list.items()) {
    if (const auto index = item.one_of(kFamilyWords)) service.ip_families.push_back(kFamilies.at(*index));
  }
}

void read_ingress(const Field& list, Service& service) {
  for (const auto& item : list.items()) {
    LoadBalancerIngress ingress;
    choose(item["ipMode"], kIpModeWords, kIpModes, ingress.mode);
    const auto address = item["ip"].address();
    if (!address) continue;
    ingress.address = *address;
    service.ingress.push_back(ingress);
  }
}

}  // namespace

ServicePort read_service_port(const Field& port) {
  ServicePort result;
  result.name = port["name"].text();
  choose(port["protocol"], kProtocolWords, kProtocols, result.protocol);
  if (!port["port"].present()) port["port"].wrong("is required");
  port_number(port["port"], 1, result.port);
  port_number(port["nodePort"], 0, result.node_port);
  const auto target = port["targetPort"];
  if (target.is_number()) {
    std::uint16_t number = 0;
    port_number(target, 0, number);
    result.target_port = number;
  } else if (target.present()) {
    result.target_port = target.required_text();
  }
  return result;
}

void read_service_spec(const Field& spec, Service& service) {
  choose(spec["type"], kTypeWords, kTypes, service.type);
  read_ports(spec["ports"], service);
  read_cluster_ips(spec, service);
  read_families(spec["ipFamilies"], service);
  if (spec["externalIPs"].present()) service.external_ips = spec["externalIPs"].addresses();
  if (spec["loadBalancerSourceRanges"].present()) service.source_ranges = spec["loadBalancerSourceRanges"].prefixes();
  choose(spec["internalTrafficPolicy"], kPolicyWords, kPolicies, service.internal_policy);
  choose(spec["externalTrafficPolicy"], kPolicyWords, kPolicies, service.external_policy);
  read_affinity(spec, service);
  keep(spec["publishNotReadyAddresses"].boolean(), service.publish_not_ready_addresses);
  keep(spec["allocateLoadBalancerNodePorts"].boolean(), service.allocate_node_ports);
  service.traffic_distribution = spec["trafficDistribution"].text(service.traffic_distribution);
  service.external_name = spec["externalName"].text(service.external_name);
  service.load_balancer_class = spec["loadBalancerClass"].text(service.load_balancer_class);
  port_number(spec["healthCheckNodePort"], 0, service.health_check_node_port);
}

Service read_service(const Field& object) {
  Service service;
  const auto metadata = object["metadata"];
  service.namespace_name = metadata["namespace"].text("default");
  service.name = metadata["name"].required_text();
  service.labels = read_labels(metadata["labels"]);
  service.annotations = read_labels(metadata["annotations"]);
  read_service_spec(object["spec"], service);
  read_ingress(object["status"]["loadBalancer"]["ingress"], service);
  return service;
}

}  // namespace conntruth::world
