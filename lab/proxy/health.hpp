#pragma once
// What the health endpoints of a service proxy say on one node, as kube-proxy's do: a Service's health check node port
// (core/v1 healthCheckNodePort; kube-proxy: healthcheck/service_health.go), and /healthz and /livez of the proxy itself
// (KEP-3836). Pure functions.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "common/world/world.hpp"
#include "lab/proxy/endpoint_selection.hpp"

namespace conntruth::lab_proxy {

inline constexpr std::uint16_t kProxyHealthPort = 10256;

// One Service's health check node port in one family.
struct ServiceHealth {
  std::string namespace_name;
  std::string name;
  std::uint64_t local_endpoints = 0;  // ready ones on this node
  bool operator==(const ServiceHealth&) const = default;
};

struct Health {
  // By family and port: Services of type LoadBalancer with external policy Local and a health check node port.
  std::map<std::pair<Family, std::uint16_t>, ServiceHealth> services;
  bool node_eligible = true;  // the Node is neither being deleted nor tainted for scale-down
  bool synced = false;        // rules were put into the kernel, and the last attempt did not fail
  bool operator==(const Health&) const = default;
};

// `synced` is the caller's.
[[nodiscard]] Health health_of(const world::World& world, const Place& place);

struct HttpAnswer {
  int status = 404;
  std::string body;  // JSON; "" for 404
  bool operator==(const HttpAnswer&) const = default;
};

// What a request for `path` at that port of a node's address gets.
[[nodiscard]] HttpAnswer answer(const Health& health, Family family, std::uint16_t port, std::string_view path);

}  // namespace conntruth::lab_proxy
