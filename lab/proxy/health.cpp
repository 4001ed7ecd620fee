#include "lab/proxy/health.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "lab/proxy/service_view.hpp"

namespace conntruth::lab_proxy {
namespace {

constexpr int kOk = 200;
constexpr int kUnavailable = 503;

// By address: an endpoint of several ports is one.
std::uint64_t ready_here(const SliceIndex& slices, const world::Service& service, Family family,
                         const std::string& node) {
  std::set<IpAddress> here;
  for (const auto& port : service.ports) {
    for (const auto& backend : slices.backends(service, port, family, node)) {
      if (backend.ready && !backend.terminating && backend.local) here.insert(backend.target.address);
    }
  }
  return here.size();
}

bool has_health_port(const world::Service& service) {
  return is_ours(service) && service.type == world::ServiceType::kLoadBalancer &&
         service.external_policy == world::TrafficPolicy::kLocal && service.health_check_node_port != 0;
}

bool is_eligible(const world::World& world, const std::string& name) {
  const auto* node = world.node(name);
  if (node == nullptr) return true;
  return !node->deleting &&
         std::ranges::find(node->taints, world::kScaleDownTaint, &world::Taint::key) == node->taints.end();
}

HttpAnswer of_service(const ServiceHealth& service, bool proxy_healthy) {
  const bool good = service.local_endpoints > 0 && proxy_healthy;
  const nlohmann::ordered_json body = {{"service", {{"namespace", service.namespace_name}, {"name", service.name}}},
                                       {"localEndpoints", service.local_endpoints},
                                       {"serviceProxyHealthy", proxy_healthy}};
  return {good ? kOk : kUnavailable, body.dump()};
}

HttpAnswer of_proxy(const Health& health, std::string_view path) {
  if (path == "/livez") return {health.synced ? kOk : kUnavailable, "{}"};
  if (path != "/healthz") return {};
  const nlohmann::ordered_json body = {{"nodeEligible", health.node_eligible}};
  return {health.synced && health.node_eligible ? kOk : kUnavailable, body.dump()};
}

}  // namespace

Health health_of(const world::World& world, const Place& place) {
  Health health;
  health.node_eligible = is_eligible(world, place.node);
  const SliceIndex slices(world);
  for (const auto& service : world.services) {
    if (!has_health_port(service)) continue;
    for (const auto& address : service.cluster_ips) {
      const auto family = address.family();
      health.services.try_emplace(
          {family, service.health_check_node_port},
          ServiceHealth{service.namespace_name, service.name, ready_here(slices, service, family, place.node)});
    }
  }
  return health;
}

HttpAnswer answer(const Health& health, Family family, std::uint16_t port, std::string_view path) {
  if (port == kProxyHealthPort) return of_proxy(health, path);
  const auto found = health.services.find({family, port});
  return found == health.services.end() ? HttpAnswer{} : of_service(found->second, health.synced);
}

}  // namespace conntruth::lab_proxy
