#include "controller/kube/world_objects.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/world/world_reader.hpp"
#include "controller/kube/world_writer.hpp"

namespace conntruth::kube {
namespace {

using Json = nlohmann::json;
using world::EndpointSlice;
using world::Service;
using world::ServiceType;
using world::TrafficPolicy;

constexpr auto kSliceManagedByLabel = "endpointslice.kubernetes.io/managed-by";

// The one object of a World as the world's own writer has it.
Json object_in(const world::World& world) { return Json::parse(world::write_world(world))["items"][0]; }

bool has_cluster_ip(const Service& service) { return service.type != ServiceType::kExternalName; }
bool has_node_ports(const Service& service) {
  return service.type == ServiceType::kNodePort || service.type == ServiceType::kLoadBalancer;
}
bool is_external(const Service& service) {
  return has_node_ports(service) || (service.type == ServiceType::kClusterIp && !service.external_ips.empty());
}

std::vector<Family> families_of(const Service& service) {
  if (!service.ip_families.empty()) return service.ip_families;
  std::vector<Family> families;
  for (const auto& address : service.cluster_ips) families.push_back(address.family());
  return families;
}

bool node_ports_kept(const Service& want, const Service& kept) {
  return std::ranges::equal(want.ports, kept.ports, [](const auto& a, const auto& b) {
    return a.name == b.name && a.protocol == b.protocol && a.port == b.port &&
           (a.node_port == 0 || a.node_port == b.node_port);
  });
}

std::optional<std::vector<std::string>> some(const std::optional<std::vector<std::string>>& names) {
  return names && !names->empty() ? names : std::nullopt;
}

}  // namespace

Service wanted(const Service& service, std::string_view load_balancer_class) {
  auto want = service;
  want.labels[std::string(kManagedByLabel)] = kManagedBy;
  want.ip_families = families_of(service);
  if (!is_external(want)) want.external_policy = TrafficPolicy::kCluster;
  if (!has_node_ports(want)) {
    for (auto& port : want.ports) port.node_port = 0;
  }
  if (want.type != ServiceType::kLoadBalancer) {
    want.load_balancer_class.clear();
    want.allocate_node_ports = true;
    want.source_ranges.clear();
  } else if (want.load_balancer_class.empty()) {
    want.load_balancer_class = load_balancer_class;
  }
  if (want.type != ServiceType::kLoadBalancer || want.external_policy != TrafficPolicy::kLocal)
    want.health_check_node_port = 0;
  if (!has_cluster_ip(want)) {
    want.cluster_ips.clear();
    want.ip_families.clear();
    want.headless = false;
  } else {
    want.external_name.clear();
  }
  return want;
}

EndpointSlice wanted(const EndpointSlice& slice) {
  auto want = slice;
  want.labels[std::string(kManagedByLabel)] = kManagedBy;
  want.labels[kSliceManagedByLabel] = kManagedBy;
  return want;
}

std::string body_of(const Service& service) {
  world::World world;
  world.services = {service};
  auto object = object_in(world);
  object.erase("status");
  auto& spec = object["spec"];
  if (!is_external(service)) spec.erase("externalTrafficPolicy");
  if (!has_cluster_ip(service)) spec.erase("internalTrafficPolicy");
  if (!service.ip_families.empty())
    spec["ipFamilyPolicy"] = service.ip_families.size() == 2 ? "RequireDualStack" : "SingleStack";
  return object.dump();
}

std::string body_of(const EndpointSlice& slice) {
  world::World world;
  world.slices = {slice};
  return object_in(world).dump();
}

std::string status_body(const std::vector<world::LoadBalancerIngress>& ingress) {
  Json list;  // null takes the field away
  for (const auto& each : ingress)
    list.push_back(
        {{"ip", each.address.to_string()}, {"ipMode", each.mode == world::IpMode::kProxy ? "Proxy" : "VIP"}});
  return Json{{"status", {{"loadBalancer", {{"ingress", list}}}}}}.dump();
}

std::string namespace_body(std::string_view name) {
  return Json{{"apiVersion", "v1"},
              {"kind", "Namespace"},
              {"metadata", {{"name", name}, {"labels", {{kManagedByLabel, kManagedBy}}}}}}
      .dump();
}

bool needs_recreation(const Service& before, const Service& after) {
  const bool both_have_ips = has_cluster_ip(before) && has_cluster_ip(after);
  if (both_have_ips && (before.headless != after.headless || before.cluster_ips != after.cluster_ips)) return true;
  if (both_have_ips && before.headless && families_of(before) != families_of(after)) return true;
  const auto is_balanced = [](const Service& service) { return service.type == ServiceType::kLoadBalancer; };
  if (is_balanced(before) && is_balanced(after)) {
    if (before.load_balancer_class != after.load_balancer_class) return true;
    if (before.health_check_node_port != 0 && after.health_check_node_port != 0 &&
        before.health_check_node_port != after.health_check_node_port)
      return true;
  }
  return false;
}

bool needs_recreation(const EndpointSlice& before, const EndpointSlice& after) { return before.family != after.family; }

std::vector<std::string> differences(const Service& want, const Service& kept) {
  std::vector<std::string> fields;
  const auto check = [&](bool same, const char* field) {
    if (!same) fields.emplace_back(field);
  };
  check(want.type == kept.type, "spec.type");
  check(node_ports_kept(want, kept) && !has_surplus_node_ports(want, kept), "spec.ports");
  check(want.headless == kept.headless, "spec.clusterIP");
  check(want.cluster_ips.empty() || want.cluster_ips == kept.cluster_ips, "spec.clusterIPs");
  check(want.ip_families.empty() || want.ip_families == kept.ip_families, "spec.ipFamilies");
  check(want.external_ips == kept.external_ips, "spec.externalIPs");
  check(want.source_ranges == kept.source_ranges, "spec.loadBalancerSourceRanges");
  check(!has_cluster_ip(want) || want.internal_policy == kept.internal_policy, "spec.internalTrafficPolicy");
  check(!is_external(want) || want.external_policy == kept.external_policy, "spec.externalTrafficPolicy");
  check(want.affinity_timeout_s == kept.affinity_timeout_s, "spec.sessionAffinity");
  check(want.publish_not_ready_addresses == kept.publish_not_ready_addresses, "spec.publishNotReadyAddresses");
  check(want.traffic_distribution == kept.traffic_distribution, "spec.trafficDistribution");
  check(want.external_name == kept.external_name, "spec.externalName");
  check(want.load_balancer_class == kept.load_balancer_class, "spec.loadBalancerClass");
  check(want.health_check_node_port == 0 || want.health_check_node_port == kept.health_check_node_port,
        "spec.healthCheckNodePort");
  return fields;
}

std::vector<std::string> differences(const EndpointSlice& want, const EndpointSlice& kept) {
  std::vector<std::string> fields;
  const auto check = [&](bool same, const char* field) {
    if (!same && std::ranges::find(fields, field) == fields.end()) fields.emplace_back(field);
  };
  check(want.family == kept.family, "addressType");
  check(want.ports == kept.ports, "ports");
  check(want.service_name == kept.service_name, "metadata.labels");
  check(want.endpoints.size() == kept.endpoints.size(), "endpoints");
  for (std::size_t i = 0; i < std::min(want.endpoints.size(), kept.endpoints.size()); ++i) {
    const auto& a = want.endpoints[i];
    const auto& b = kept.endpoints[i];
    check(a.addresses == b.addresses, "endpoints.addresses");
    check(a.is_ready() == b.is_ready() && a.is_serving() == b.is_serving() && a.is_terminating() == b.is_terminating(),
          "endpoints.conditions");
    check(a.node_name == b.node_name, "endpoints.nodeName");
    check(a.zone == b.zone, "endpoints.zone");
    check(some(a.zone_hints) == some(b.zone_hints), "endpoints.hints.forZones");
    check(some(a.node_hints) == some(b.node_hints), "endpoints.hints.forNodes");
  }
  return fields;
}

bool has_surplus_node_ports(const Service& want, const Service& kept) {
  const bool none_wanted = !has_node_ports(want) || !want.allocate_node_ports;
  if (!none_wanted) return false;
  return std::ranges::any_of(kept.ports, [&](const auto& port) {
    const auto* same = want.port_named(port.name);
    return port.node_port != 0 && (same == nullptr || same->node_port == 0);
  });
}

}  // namespace conntruth::kube
