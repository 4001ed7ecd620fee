#include "lab/proxy/service_view.hpp"

#include <algorithm>

namespace conntruth::lab_proxy {
namespace {

std::vector<IpAddress> of_family(const std::vector<IpAddress>& addresses, Family family) {
  std::vector<IpAddress> kept;
  std::ranges::copy_if(addresses, std::back_inserter(kept), [&](const auto& each) { return each.family() == family; });
  return kept;
}

std::vector<IpAddress> captured_balancers(const world::Service& service, Family family) {
  std::vector<IpAddress> captured;
  if (service.type != world::ServiceType::kLoadBalancer) return captured;
  for (const auto& ingress : service.ingress) {
    if (ingress.mode == world::IpMode::kVip) captured.push_back(ingress.address);
  }
  return of_family(captured, family);
}

bool has_node_ports(const world::Service& service) {
  return service.type == world::ServiceType::kNodePort || service.type == world::ServiceType::kLoadBalancer;
}

}  // namespace

bool is_ours(const world::Service& service) {
  if (service.type == world::ServiceType::kExternalName || service.headless) return false;
  return !service.labels.contains(std::string(world::kProxyNameLabel));
}

std::vector<ServiceView> views_of(const world::World& world, const Place& place, Family family) {
  std::vector<ServiceView> views;
  const SliceIndex slices(world);
  for (const auto& service : world.services) {
    const auto cluster_ips = of_family(service.cluster_ips, family);
    if (cluster_ips.empty() || !is_ours(service)) continue;
    for (const auto& port : service.ports) {
      views.push_back({.service = &service,
                       .port = &port,
                       .family = family,
                       .cluster_ip = cluster_ips.front(),
                       .external_ips = of_family(service.external_ips, family),
                       .load_balancers = captured_balancers(service, family),
                       .node_port = has_node_ports(service) ? port.node_port : std::uint16_t{0},
                       .endpoints = select(slices.backends(service, port, family, place.node), place)});
    }
  }
  return views;
}

Place place_of(const world::World& world, const std::string& node) {
  for (const auto& each : world.nodes) {
    if (each.name != node) continue;
    const auto zone = each.labels.find(std::string(world::kZoneLabel));
    if (zone != each.labels.end() && !zone->second.empty()) return {node, zone->second};
  }
  return {node, std::nullopt};
}

}  // namespace conntruth::lab_proxy
