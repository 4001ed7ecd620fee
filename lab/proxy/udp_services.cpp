#include "lab/proxy/udp_services.hpp"

#include <algorithm>

#include "lab/proxy/service_view.hpp"

namespace conntruth::lab_proxy {
namespace {

const UdpServices::Endpoints* endpoints_of(const UdpServices& services, const SocketAddress& destination, bool own) {
  if (const auto found = services.addresses.find(destination); found != services.addresses.end()) return &found->second;
  if (!own) return nullptr;
  const auto found = services.node_ports.find({destination.address.family(), destination.port});
  return found == services.node_ports.end() ? nullptr : &found->second;
}

}  // namespace

UdpServices udp_services_of(const world::World& world, const Place& place) {
  UdpServices services;
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    for (const auto& view : views_of(world, place, family)) {
      if (view.port->protocol != Protocol::kUdp) continue;
      const UdpServices::Endpoints endpoints(view.endpoints.current.begin(), view.endpoints.current.end());
      services.addresses.try_emplace({view.cluster_ip, view.port->port}, endpoints);
      for (const auto* addresses : {&view.load_balancers, &view.external_ips}) {
        for (const auto& each : *addresses) services.addresses.try_emplace({each, view.port->port}, endpoints);
      }
      if (view.node_port != 0) services.node_ports.try_emplace({family, view.node_port}, endpoints);
    }
  }
  return services;
}

bool StaleRule::is_stale(const UdpFlow& flow) const {
  const bool own = own_addresses.contains(flow.destination.address);
  if (const auto* endpoints = endpoints_of(now, flow.destination, own)) return !endpoints->contains(flow.reply_source);
  if (endpoints_of(before, flow.destination, own) != nullptr) return true;
  return std::ranges::any_of(cluster_ip_ranges,
                             [&](const Prefix& each) { return each.contains(flow.destination.address); });
}

}  // namespace conntruth::lab_proxy
