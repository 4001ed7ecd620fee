#pragma once
// One port of one Service as one node's proxy sees it in one address family: the addresses it answers on and the
// endpoints behind it. Everything later (rules, conntrack) is derived from these. Pure functions.

#include <cstdint>
#include <string>
#include <vector>

#include "common/world/world.hpp"
#include "lab/proxy/endpoint_selection.hpp"

namespace conntruth::lab_proxy {

struct ServiceView {
  const world::Service* service = nullptr;  // outlived by the world it came from
  const world::ServicePort* port = nullptr;
  Family family = Family::kIpv4;
  IpAddress cluster_ip;
  std::vector<IpAddress> external_ips;
  std::vector<IpAddress> load_balancers;  // those of ipMode VIP
  std::uint16_t node_port = 0;            // 0: none
  Selection endpoints;
};

// Whether a Service is this proxy's business: it has a virtual address, and no label hands it to somebody else.
// (API conventions of the labels service.kubernetes.io/headless and service.kubernetes.io/service-proxy-name.)
[[nodiscard]] bool is_ours(const world::Service& service);

// In the order of the world. A Service is served in a family only where it has a cluster IP of that family, as in
// kube-proxy. Node ports count for types NodePort and LoadBalancer, balancer addresses for type LoadBalancer.
[[nodiscard]] std::vector<ServiceView> views_of(const world::World& world, const Place& place, Family family);

// The place of a node in the world; a node that is not in it has no zone.
[[nodiscard]] Place place_of(const world::World& world, const std::string& node);

}  // namespace conntruth::lab_proxy
