#pragma once
// Small worlds for the tests of the reference proxy: two nodes in two zones, and one Service whose endpoints are given.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/world/world.hpp"

namespace conntruth::lab_proxy::test {

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }
inline SocketAddress at(std::string_view address, std::uint16_t port) { return {ip(address), port}; }

inline world::Node node(std::string name, std::string zone, std::vector<IpAddress> addresses,
                        std::vector<Prefix> cidrs) {
  world::Node made;
  made.name = std::move(name);
  if (!zone.empty()) made.labels[std::string(world::kZoneLabel)] = std::move(zone);
  made.addresses = std::move(addresses);
  made.pod_cidrs = std::move(cidrs);
  return made;
}

inline std::vector<world::Node> two_nodes() {
  return {node("node-1", "zone-a", {ip("172.31.0.11"), ip("fd31::b")},
               {prefix("10.244.1.0/24"), prefix("fd44:0:0:1::/64")}),
          node("node-2", "zone-b", {ip("172.31.0.12"), ip("fd31::c")},
               {prefix("10.244.2.0/24"), prefix("fd44:0:0:2::/64")})};
}

inline world::ServicePort port(std::string name, Protocol protocol, std::uint16_t number, std::uint16_t node_port = 0) {
  world::ServicePort made;
  made.name = std::move(name);
  made.protocol = protocol;
  made.port = number;
  made.node_port = node_port;
  return made;
}

inline world::Service service(std::string name, std::vector<IpAddress> cluster_ips,
                              std::vector<world::ServicePort> ports) {
  world::Service made;
  made.namespace_name = "default";
  made.name = std::move(name);
  made.cluster_ips = std::move(cluster_ips);
  made.ports = std::move(ports);
  for (const auto& each : made.ports) {
    if (each.node_port != 0) made.type = world::ServiceType::kNodePort;
  }
  return made;
}

inline world::Endpoint endpoint(std::string_view address, std::string node_name) {
  world::Endpoint made;
  made.addresses = {ip(address)};
  made.node_name = std::move(node_name);
  made.ready = true;
  return made;
}

inline world::Endpoint leaving(world::Endpoint made, bool serving = true) {
  made.ready = false;
  made.serving = serving;
  made.terminating = true;
  return made;
}

inline world::EndpointSlice slice(const world::Service& of, std::vector<world::Endpoint> endpoints,
                                  std::vector<world::EndpointPort> ports) {
  world::EndpointSlice made;
  made.namespace_name = of.namespace_name;
  made.service_name = of.name;
  made.name = of.name + "-1";
  made.family = endpoints.empty() ? Family::kIpv4 : endpoints.front().addresses.front().family();
  made.endpoints = std::move(endpoints);
  made.ports = std::move(ports);
  return made;
}

// "default/web" with one port and IPv4 endpoints at port 8080.
inline world::World web_world(Protocol protocol, std::vector<world::Endpoint> endpoints, std::uint16_t node_port = 0) {
  world::World made;
  made.generation = 1;
  made.nodes = two_nodes();
  made.services = {service("web", {ip("10.96.0.10")}, {port("", protocol, 80, node_port)})};
  made.slices = {slice(made.services.front(), std::move(endpoints), {{"", protocol, 8080}})};
  return made;
}

}  // namespace conntruth::lab_proxy::test
