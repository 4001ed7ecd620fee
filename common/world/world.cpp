#include "common/world/world.hpp"

#include <algorithm>

namespace conntruth::world {

std::optional<std::string> Node::zone() const {
  const auto found = labels.find(std::string(kZoneLabel));
  if (found == labels.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::optional<IpAddress> Service::cluster_ip(Family family) const {
  const auto found = std::ranges::find(cluster_ips, family, &IpAddress::family);
  if (found == cluster_ips.end()) return std::nullopt;
  return *found;
}

const ServicePort* Service::port_named(std::string_view port_name) const {
  const auto found = std::ranges::find(ports, port_name, &ServicePort::name);
  return found == ports.end() ? nullptr : &*found;
}

bool Service::is_proxied() const {
  return !headless && type != ServiceType::kExternalName && !labels.contains(std::string(kProxyNameLabel));
}

const Node* World::node(std::string_view name) const {
  const auto found = std::ranges::find(nodes, name, &Node::name);
  return found == nodes.end() ? nullptr : &*found;
}

const Service* World::service(std::string_view key) const {
  const auto found = std::ranges::find_if(services, [&](const Service& each) { return each.key() == key; });
  return found == services.end() ? nullptr : &*found;
}

}  // namespace conntruth::world
