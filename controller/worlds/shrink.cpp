#include "controller/worlds/shrink.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace conntruth::worlds {
namespace {

using world::Endpoint;
using world::EndpointSlice;
using world::Service;
using world::ServiceType;
using world::World;

bool is(const Service& service, const std::string& key) { return service.key() == key; }

template <typename Change>
bool change_services(World& world, Change change) {
  const auto before = world.services;
  for (auto& service : world.services) change(service);
  return world.services != before;
}

template <typename Change>
bool change_slices(World& world, Change change) {
  const auto before = world.slices;
  for (auto& slice : world.slices) change(slice);
  return world.slices != before;
}

bool drop_services(World& world, const std::function<bool(const std::string&)>& drop) {
  const auto services = std::erase_if(world.services, [&](const Service& each) { return drop(each.key()); });
  const auto slices = std::erase_if(world.slices, [&](const EndpointSlice& each) { return drop(each.service_key()); });
  return services + slices > 0;
}

bool drop_ports(World& world, const std::string& service, const std::function<bool(const std::string&)>& drop) {
  const bool first = change_services(world, [&](Service& each) {
    if (is(each, service)) std::erase_if(each.ports, [&](const auto& port) { return drop(port.name); });
  });
  const bool second = change_slices(world, [&](EndpointSlice& each) {
    if (each.service_key() == service) std::erase_if(each.ports, [&](const auto& port) { return drop(port.name); });
  });
  return first || second;
}

bool drop_endpoints(World& world, const std::function<bool(const Endpoint&)>& drop) {
  return change_slices(world, [&](EndpointSlice& each) { std::erase_if(each.endpoints, drop); });
}

bool drop_family(World& world, const std::string& service, Family family) {
  const bool first = change_services(world, [&](Service& each) {
    if (!is(each, service)) return;
    const auto of_family = [&](const IpAddress& address) { return address.family() == family; };
    std::erase(each.ip_families, family);
    std::erase_if(each.cluster_ips, of_family);
    std::erase_if(each.external_ips, of_family);
    std::erase_if(each.ingress, [&](const auto& ingress) { return of_family(ingress.address); });
    std::erase_if(each.source_ranges, [&](const Prefix& range) { return of_family(range.address); });
  });
  const auto dropped = std::erase_if(
      world.slices, [&](const EndpointSlice& each) { return each.service_key() == service && each.family == family; });
  return first || dropped > 0;
}

class Reductions {
 public:
  Reductions(const World& world, const plan::FlowKey& flow) : world_(world), flow_(flow) {}

  [[nodiscard]] std::vector<Reduction> list() {
    services_and_ports();
    families_and_slices();
    endpoints();
    values();
    conditions_and_hints();
    return std::move(steps_);
  }

 private:
  void add(std::string what, std::function<bool(World&)> apply) {
    steps_.push_back({std::move(what), std::move(apply)});
  }

  void services_and_ports() {
    const auto wanted = flow_.service;
    if (world_.services.size() > 2) {
      add("no other Service", [wanted](World& world) {
        return drop_services(world, [&](const std::string& key) { return key != wanted; });
      });
    }
    for (const auto& service : world_.services) {
      const auto key = service.key();
      if (key == wanted) continue;
      add("without Service " + key,
          [key](World& world) { return drop_services(world, [&](const std::string& each) { return each == key; }); });
    }
    const auto* service = world_.service(wanted);
    if (service == nullptr) return;
    for (const auto& port : service->ports) {
      if (port.name == flow_.port) continue;
      add("without port " + port.name, [wanted, name = port.name](World& world) {
        return drop_ports(world, wanted, [&](const std::string& each) { return each == name; });
      });
    }
  }

  void families_and_slices() {
    const auto other = flow_.family == Family::kIpv4 ? Family::kIpv6 : Family::kIpv4;
    add(fmt::format("without {}", to_string(other)),
        [wanted = flow_.service, other](World& world) { return drop_family(world, wanted, other); });
    for (const auto& slice : world_.slices) {
      add("without slice " + slice.name, [name = slice.name](World& world) {
        return std::erase_if(world.slices, [&](const EndpointSlice& each) { return each.name == name; }) > 0;
      });
    }
  }

  void endpoints() {
    std::set<std::string> names;
    for (const auto& slice : world_.slices) {
      for (const auto& endpoint : slice.endpoints) names.insert(endpoint.target_name);
    }
    if (names.size() > 1) {
      add("without endpoints",
          [](World& world) { return drop_endpoints(world, [](const Endpoint&) { return true; }); });
      for (const auto& name : names) {
        add("no endpoint but " + name, [name](World& world) {
          return drop_endpoints(world, [&](const Endpoint& each) { return each.target_name != name; });
        });
      }
    }
    for (const auto& name : names) {
      add("without endpoint " + name, [name](World& world) {
        return drop_endpoints(world, [&](const Endpoint& each) { return each.target_name == name; });
      });
    }
  }

  template <typename Change>
  void service_value(std::string what, Change change) {
    add(std::move(what), [change](World& world) { return change_services(world, change); });
  }

  void values() {
    service_value("ordinary Services", [](Service& service) {
      const Service plain;
      service.labels = plain.labels;
      service.affinity_timeout_s = plain.affinity_timeout_s;
      service.publish_not_ready_addresses = plain.publish_not_ready_addresses;
      service.traffic_distribution = plain.traffic_distribution;
    });
    service_value("of type ClusterIP", [](Service& service) {
      service.type = service.type == ServiceType::kExternalName ? service.type : ServiceType::kClusterIp;
      service.ingress.clear();
      service.source_ranges.clear();
      service.allocate_node_ports = true;
      service.health_check_node_port = 0;
      for (auto& port : service.ports) port.node_port = 0;
    });
    service_value("of type NodePort", [](Service& service) {
      if (service.type != ServiceType::kLoadBalancer || !service.allocate_node_ports) return;
      service.type = ServiceType::kNodePort;
      service.ingress.clear();
      service.source_ranges.clear();
      service.health_check_node_port = 0;
    });
    service_value("without external IPs", [](Service& service) { service.external_ips.clear(); });
    service_value("without load-balancer addresses", [](Service& service) { service.ingress.clear(); });
    service_value("without source ranges", [](Service& service) { service.source_ranges.clear(); });
    for (const auto& service : world_.services) {
      for (const auto& range : service.source_ranges) {
        service_value("without source range " + range.to_string(),
                      [range](Service& each) { std::erase(each.source_ranges, range); });
      }
    }
    service_value("internal policy Cluster",
                  [](Service& service) { service.internal_policy = world::TrafficPolicy::kCluster; });
    service_value("external policy Cluster", [](Service& service) {
      service.external_policy = world::TrafficPolicy::kCluster;
      service.health_check_node_port = 0;
    });
    service_value("without affinity", [](Service& service) { service.affinity_timeout_s.reset(); });
    service_value("without labels", [](Service& service) { service.labels.clear(); });
    service_value("ipMode VIP", [](Service& service) {
      for (auto& ingress : service.ingress) ingress.mode = world::IpMode::kVip;
    });
    service_value("without trafficDistribution", [](Service& service) { service.traffic_distribution.clear(); });
    service_value("only ready addresses", [](Service& service) { service.publish_not_ready_addresses = false; });
  }

  template <typename Change>
  void endpoint_value(const std::string& what, Change change) {
    const auto all = [change](World& world) {
      return change_slices(world, [&](EndpointSlice& slice) { std::ranges::for_each(slice.endpoints, change); });
    };
    add(what, all);
    for (const auto& slice : world_.slices) {
      for (const auto& endpoint : slice.endpoints) {
        auto copy = endpoint;
        change(copy);
        if (copy == endpoint) continue;
        add(fmt::format("{}: {} {}", what, slice.name, endpoint.target_name),
            [change, name = slice.name, target = endpoint.target_name](World& world) {
              return change_slices(world, [&](EndpointSlice& each) {
                if (each.name != name) return;
                for (auto& one : each.endpoints) {
                  if (one.target_name == target) change(one);
                }
              });
            });
      }
    }
  }

  void conditions_and_hints() {
    add("without slice labels",
        [](World& world) { return change_slices(world, [](EndpointSlice& slice) { slice.labels.clear(); }); });
    endpoint_value("without hints", [](Endpoint& endpoint) {
      endpoint.zone_hints.reset();
      endpoint.node_hints.reset();
    });
    endpoint_value("ready", [](Endpoint& endpoint) {
      endpoint.ready = true;
      endpoint.serving = true;
      endpoint.terminating = false;
    });
  }

  const World& world_;
  const plan::FlowKey& flow_;
  std::vector<Reduction> steps_;
};

}  // namespace

std::vector<Reduction> reductions(const World& world, const plan::FlowKey& flow) {
  auto steps = Reductions(world, flow).list();
  std::erase_if(steps, [&](const Reduction& step) {
    auto copy = world;
    return !step.apply(copy);
  });
  return steps;
}

World reduced(World world, const std::vector<Reduction>& steps) {
  for (const auto& step : steps) (void)step.apply(world);
  return world;
}

}  // namespace conntruth::worlds
