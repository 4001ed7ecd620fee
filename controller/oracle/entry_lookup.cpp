#include "controller/oracle/entry_lookup.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ranges>
#include <utility>
#include <vector>

#include "controller/oracle/membership.hpp"
#include "controller/oracle/rules.hpp"

namespace conntruth::oracle {
namespace {

bool has_node_ports(const world::Service& service) {
  return service.type == world::ServiceType::kNodePort || service.type == world::ServiceType::kLoadBalancer;
}

bool serves(const world::Service& service, Family family) {
  if (!service.ip_families.empty()) return contains(service.ip_families, family);
  return service.cluster_ip(family).has_value();
}

const world::LoadBalancerIngress* ingress_at(const world::Service& service, const IpAddress& address) {
  if (service.type != world::ServiceType::kLoadBalancer) return nullptr;
  const auto found = std::ranges::find(service.ingress, address, &world::LoadBalancerIngress::address);
  return found == service.ingress.end() ? nullptr : &*found;
}

bool has_address(const world::Service& service, const IpAddress& address) {
  return contains(service.cluster_ips, address) || contains(service.external_ips, address) ||
         ingress_at(service, address) != nullptr;
}

// The role in which `port` of `service` owns the target, if it does.
std::optional<FrontendKind> role_of(const Question& question, const world::Service& service,
                                    const world::ServicePort& port) {
  const SocketAddress& target = question.flow->entry.target;
  if (target.port == port.port) {
    if (contains(service.cluster_ips, target.address)) return FrontendKind::kClusterIp;
    if (contains(service.external_ips, target.address)) return FrontendKind::kExternalIp;
    if (const auto* ingress = ingress_at(service, target.address)) {
      return ingress->mode == world::IpMode::kVip ? FrontendKind::kLoadBalancer : FrontendKind::kLoadBalancerProxyMode;
    }
  }
  if (has_node_ports(service) && port.node_port == target.port &&
      owner_of(*question.world, target.address) != nullptr) {
    return FrontendKind::kNodePort;
  }
  return std::nullopt;
}

RuleId entry_rule(FrontendKind kind) {
  switch (kind) {
    case FrontendKind::kClusterIp:
      return RuleId::kEntryClusterIp;
    case FrontendKind::kExternalIp:
      return RuleId::kEntryExternalIp;
    case FrontendKind::kLoadBalancer:
      return RuleId::kEntryLoadBalancer;
    case FrontendKind::kNodePort:
      return RuleId::kEntryNodePort;
    case FrontendKind::kLoadBalancerProxyMode:
      return RuleId::kLbIpModeProxy;
  }
  return RuleId::kEntryClusterIp;
}

std::string_view role_name(FrontendKind kind) {
  switch (kind) {
    case FrontendKind::kClusterIp:
      return "the ClusterIP";
    case FrontendKind::kExternalIp:
      return "an external IP";
    case FrontendKind::kLoadBalancer:
      return "a load-balancer address";
    case FrontendKind::kNodePort:
      return "the node port";
    case FrontendKind::kLoadBalancerProxyMode:
      return "a load-balancer address of ipMode Proxy, which the service proxy leaves alone,";
  }
  return "?";
}

Rule entry_reason(const Question& question, const Frontend& frontend) {
  return applied(entry_rule(frontend.kind),
                 fmt::format("{}/{} is {} of Service {}, port {}", question.flow->entry.target.to_string(),
                             to_string(question.flow->protocol), role_name(frontend.kind), frontend.service->key(),
                             frontend.port->name.empty() ? std::to_string(frontend.port->port) : frontend.port->name));
}

std::vector<Frontend> all_frontends(const Question& question) {
  std::vector<Frontend> found;
  for (const world::Service& service : question.world->services) {
    if (!service.is_proxied() || !serves(service, question.family())) continue;
    for (const world::ServicePort& port : service.ports) {
      if (port.protocol != question.flow->protocol) continue;
      if (const auto kind = role_of(question, service, port)) found.push_back({&service, &port, *kind, false, {}});
    }
  }
  std::ranges::stable_sort(found, {}, &Frontend::kind);
  return found;
}

// The labels and types that keep a Service from being programmed at all.
std::optional<Rule> why_not_proxied(const world::Service& service) {
  if (service.type == world::ServiceType::kExternalName) {
    return applied(RuleId::kNotProxiedExternalName,
                   fmt::format("Service {} is now of type ExternalName", service.key()));
  }
  if (const auto label = service.labels.find(std::string(world::kProxyNameLabel)); label != service.labels.end()) {
    return applied(RuleId::kNotProxiedProxyName,
                   fmt::format("Service {} is left to the proxy named \"{}\"", service.key(), label->second));
  }
  if (service.headless) {
    return applied(RuleId::kNotProxiedHeadless, fmt::format("Service {} is headless", service.key()));
  }
  return std::nullopt;
}

Rule why_nothing_of(const Question& question, const world::Service& service) {
  if (auto reason = why_not_proxied(service)) return *std::move(reason);
  const Entry& entry = question.flow->entry;
  if (!serves(service, question.family())) {
    return applied(RuleId::kFamilyNotServed,
                   fmt::format("Service {} has no {}", service.key(), to_string(question.family())));
  }
  return applied(RuleId::kUnusedPort, fmt::format("Service {} has no {} port {}", service.key(),
                                                  to_string(question.flow->protocol), entry.target.port));
}

Rule why_nothing_at_node(const Question& question, const world::Node& node) {
  const Entry& entry = question.flow->entry;
  if (const world::Service* named = question.world->service(entry.service)) {
    const bool was_its_port = contains(named->ports, entry.target.port, &world::ServicePort::node_port);
    if (auto reason = why_not_proxied(*named); reason && (was_its_port || named->ports.empty()))
      return *std::move(reason);
    if (was_its_port && has_node_ports(*named) && !serves(*named, question.family())) {
      return why_nothing_of(question, *named);
    }
  }
  return applied(RuleId::kNodePortClosed,
                 fmt::format("{} port {} of {} is no Service's node port", to_string(question.flow->protocol),
                             entry.target.port, node.name));
}

}  // namespace

std::optional<Frontend> find_frontend(const Question& question) {
  std::vector<Frontend> found = all_frontends(question);
  if (found.empty()) return std::nullopt;
  const auto named = std::ranges::find_if(
      found, [&](const Frontend& each) { return each.service->key() == question.flow->entry.service; });
  Frontend chosen = named == found.end() ? found.front() : *named;
  chosen.contested = std::ranges::any_of(found, [&](const Frontend& each) { return each.service != chosen.service; });
  chosen.reason = entry_reason(question, chosen);
  return chosen;
}

ListedEndpoint find_listed_endpoint(const Question& question) {
  const SocketAddress& target = question.flow->entry.target;
  ListedEndpoint result;
  for (const world::EndpointSlice& slice : question.world->slices) {
    const auto opens = [&](const world::EndpointPort& port) {
      return port.port == target.port && port.protocol == question.flow->protocol;
    };
    if (std::ranges::none_of(slice.ports, opens)) continue;
    for (const world::Endpoint& endpoint : slice.endpoints) {
      if (!contains(endpoint.addresses, target.address)) continue;
      result.listed = true;
      result.serving = result.serving || endpoint.is_ready() || endpoint.is_serving();
    }
  }
  return result;
}

Rule why_nothing(const Question& question) {
  const Entry& entry = question.flow->entry;
  const auto holder = std::ranges::find_if(question.world->services, [&](const world::Service& service) {
    return has_address(service, entry.target.address);
  });
  if (holder != question.world->services.end()) return why_nothing_of(question, *holder);
  if (entry.kind == EntryKind::kPodIp) {
    return applied(RuleId::kPodPortClosed, fmt::format("no endpoint is listed at {}/{}, so the port is closed",
                                                       entry.target.to_string(), to_string(question.flow->protocol)));
  }
  if (const auto* node = owner_of(*question.world, entry.target.address)) return why_nothing_at_node(question, *node);
  const world::Service* named = question.world->service(entry.service);
  if (named != nullptr) {
    if (auto reason = why_not_proxied(*named)) return *std::move(reason);
  }
  if (entry.kind == EntryKind::kUnallocated) {
    return applied(RuleId::kUnallocatedAddress,
                   fmt::format("{} is given to no Service", entry.target.address.to_string()));
  }
  return applied(RuleId::kAddressReleased,
                 fmt::format("{} is no longer an address of {}", entry.target.address.to_string(),
                             named == nullptr ? "any Service" : "Service " + named->key()));
}

}  // namespace conntruth::oracle
