#include "controller/plan/scenario_world.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "controller/plan/endpoint_slices.hpp"

namespace conntruth::plan {

std::vector<Family> families_of(const Topology& topology) {
  std::vector<Family> result;
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const auto has = [family](const TopologyNode& node) {
      return !address_of(node.addresses, family).is_unspecified();
    };
    if (std::ranges::any_of(topology.nodes, has)) result.push_back(family);
  }
  return result;
}

std::string dns_name(const world::Service& service, const ClusterDns& dns) {
  const auto* domain = dns.domain.empty() ? "cluster.local" : dns.domain.c_str();
  return fmt::format("{}.{}.svc.{}", service.name, service.namespace_name, domain);
}

namespace {

using catalogue::Each;
using catalogue::ServiceSpec;
using world::ServiceType;

// Where the API server gives a Service a health check node port (NeedsHealthCheck in k8s.io/kubernetes
// pkg/api/service).
bool needs_health_check(const world::Service& service) {
  return service.type == ServiceType::kLoadBalancer && service.external_policy == world::TrafficPolicy::kLocal;
}

// What a Service is or has at any step of its scenario.
struct History {
  bool cluster_ip = false;
  bool node_port = false;
  bool load_balancer = false;
  bool external_ip = false;
  bool health_port = false;
  std::vector<world::ServicePort> ports;
};

History history_of(const catalogue::Scenario& scenario, const std::string& name) {
  History result;
  for (const auto& step : scenario.steps) {
    for (const auto& spec : step.services) {
      if (spec.name != name) continue;
      const auto type = spec.service.type;
      result.cluster_ip = result.cluster_ip || (!spec.service.headless && type != ServiceType::kExternalName);
      result.node_port = result.node_port || type == ServiceType::kNodePort || type == ServiceType::kLoadBalancer;
      result.load_balancer = result.load_balancer || type == ServiceType::kLoadBalancer;
      result.external_ip = result.external_ip || spec.external_ip;
      result.health_port = result.health_port || needs_health_check(spec.service);
      for (const auto& port : spec.service.ports) {
        if (std::ranges::find(result.ports, port.name, &world::ServicePort::name) == result.ports.end()) {
          result.ports.push_back(port);
        }
      }
    }
  }
  return result;
}

// Builds the copies of one Service.
class ServiceBuilder {
 public:
  ServiceBuilder(const catalogue::Scenario& scenario, const ServiceSpec& spec, const Topology& topology,
                 const Places& places, Allocation& allocation)
      : scenario_(scenario),
        spec_(spec),
        topology_(topology),
        places_(places),
        allocation_(allocation),
        history_(history_of(scenario, spec.name)),
        families_(spec.service.ip_families.empty() ? families_of(topology) : spec.service.ip_families) {}

  [[nodiscard]] Status build(std::vector<ServiceCopy>& into) {
    if (auto status = check_families(); !status) return status;
    for (auto& copy : copies()) {
      copy.name = spec_.name;
      copy.present = !spec_.absent;
      if (auto status = fill(copy); !status) return status;
      auto endpoints = endpoints_of(scenario_, spec_, copy, topology_, places_, allocation_);
      if (!endpoints) return std::unexpected(endpoints.error());
      copy.endpoints = std::move(endpoints->endpoints);
      into.push_back(std::move(copy));
      slices_.insert(slices_.end(), endpoints->slices.begin(), endpoints->slices.end());
    }
    return {};
  }

  [[nodiscard]] const std::vector<world::EndpointSlice>& slices() const { return slices_; }

 private:
  [[nodiscard]] Status check_families() const {
    const auto available = families_of(topology_);
    for (const auto family : families_) {
      if (std::ranges::find(available, family) != available.end()) continue;
      return fail(ErrorCode::kNotFound, fmt::format("the topology has no {}", to_string(family)));
    }
    return {};
  }

  [[nodiscard]] std::vector<ServiceCopy> copies() const {
    std::vector<ServiceCopy> result;
    if (spec_.each == Each::kOne) result.emplace_back();
    for (std::size_t node = 0; spec_.each != Each::kOne && node < places_.nodes(); ++node) {
      const auto add = [&](const Place& place, const Place* own_place) {
        auto& copy = result.emplace_back();
        copy.label = place.label;
        copy.own = node;
        copy.own_place = own_place;
      };
      if (spec_.each == Each::kNode) {
        add(places_.node(node), nullptr);
      } else {
        for (const auto& pod : places_.pods(node)) add(pod, &pod);
      }
    }
    return result;
  }

  [[nodiscard]] Status fill(ServiceCopy& copy) {
    const auto suffix = copy.label.empty() ? "" : "-" + copy.label;
    copy.service = spec_.service;
    copy.service.namespace_name = kNamespace;
    copy.service.name = fmt::format("{}-{}{}", scenario_.id, spec_.name, suffix);
    copy.service.ip_families = families_;
    if (auto status = reserve_addresses(copy); !status) return status;
    if (auto status = number_ports(copy); !status) return status;
    assign_addresses(copy);
    return {};
  }

  [[nodiscard]] Status reserve_addresses(ServiceCopy& copy) {
    const auto reserve = [&](bool wanted, Range range, std::vector<IpAddress>& into) -> Status {
      for (const auto family : families_) {
        if (!wanted) break;
        auto address = allocation_.address(range, family, copy.service.name);
        if (!address) return std::unexpected(address.error());
        into.push_back(*address);
      }
      return {};
    };
    auto status = reserve(history_.cluster_ip, Range::kCluster, copy.cluster_ips);
    if (status) status = reserve(history_.external_ip, Range::kExternal, copy.external_ips);
    if (status) status = reserve(history_.load_balancer, Range::kLoadBalancer, copy.load_balancer_ips);
    return status;
  }

  [[nodiscard]] Status number_ports(ServiceCopy& copy) {
    copy.ports = history_.ports;
    for (auto& port : copy.ports) {
      if (const auto* now = spec_.service.port_named(port.name)) port = *now;
      if (!history_.node_port) continue;
      const auto number = allocation_.node_port(copy.service.name + "/" + port.name);
      if (!number) return std::unexpected(number.error());
      port.node_port = *number;
    }
    if (!history_.health_port) return {};
    const auto number = allocation_.node_port(copy.service.name + " health check");
    if (!number) return std::unexpected(number.error());
    copy.health_port = *number;
    return {};
  }

  // What the API server and its controllers would put into the object at this step.
  void assign_addresses(ServiceCopy& copy) const {
    auto& service = copy.service;
    const bool balanced = service.type == ServiceType::kLoadBalancer;
    const bool has_node_ports = service.type == ServiceType::kNodePort || (balanced && service.allocate_node_ports);
    for (auto& port : service.ports) {
      const auto known = std::ranges::find(copy.ports, port.name, &world::ServicePort::name);
      port.node_port = has_node_ports ? known->node_port : std::uint16_t{0};
    }
    if (service.type == ServiceType::kExternalName) {
      service.external_name = name_of(service.external_name);
      return service.ip_families.clear();
    }
    if (!service.headless) service.cluster_ips = copy.cluster_ips;
    if (spec_.external_ip) service.external_ips = copy.external_ips;
    if (!balanced) return;
    if (needs_health_check(service)) service.health_check_node_port = copy.health_port;
    service.source_ranges = source_ranges();
    for (const auto& address : copy.load_balancer_ips) service.ingress.push_back({address, spec_.ip_mode});
  }

  // A name without dots is that of a Service of this scenario.
  [[nodiscard]] std::string name_of(const std::string& written) const {
    if (written.empty() || written.find('.') != std::string::npos) return written;
    world::Service named;
    named.namespace_name = kNamespace;
    named.name = fmt::format("{}-{}", scenario_.id, written);
    return dns_name(named, topology_.dns);
  }

  [[nodiscard]] std::vector<Prefix> source_ranges() const {
    std::vector<Prefix> ranges;
    const auto add = [&](const std::vector<IpAddress>& addresses) {
      for (const auto& address : addresses) {
        ranges.push_back({address, static_cast<std::uint8_t>(address.family() == Family::kIpv4 ? 32 : 128)});
      }
    };
    for (const auto word : spec_.source_ranges) add_range(word, add, ranges);
    return ranges;
  }

  template <typename Add>
  void add_range(catalogue::RangeWord word, Add add, std::vector<Prefix>& ranges) const {
    switch (word) {
      case catalogue::RangeWord::kExternal:
        for (const auto& client : places_.external()) add(client.sources);
        return;
      case catalogue::RangeWord::kFirst:
        if (!places_.external().empty()) add(places_.external().front().sources);
        return;
      case catalogue::RangeWord::kPods:
        for (std::size_t node = 0; node < places_.nodes(); ++node) {
          for (const auto& pod : places_.pods(node)) add(pod.addresses);
        }
        return;
      case catalogue::RangeWord::kNodes:
        for (std::size_t node = 0; node < places_.nodes(); ++node) add(places_.node(node).addresses);
        return;
      case catalogue::RangeWord::kEverybody:
        for (const auto* half : {"0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"})
          ranges.push_back(*Prefix::parse(half));
        return;
      case catalogue::RangeWord::kNobody:
        for (const auto* one : {"233.252.0.1/32", "2001:db8:ffff::1/128"}) ranges.push_back(*Prefix::parse(one));
        return;
    }
  }

  const catalogue::Scenario& scenario_;
  const ServiceSpec& spec_;
  const Topology& topology_;
  const Places& places_;
  Allocation& allocation_;
  History history_;
  std::vector<Family> families_;
  std::vector<world::EndpointSlice> slices_;
};

Status check_needs(const catalogue::Scenario& scenario, const Topology& topology) {
  const auto lacks = [](std::string what) { return fail(ErrorCode::kNotFound, std::move(what)); };
  if (topology.nodes.size() < scenario.needs_nodes) return lacks(fmt::format("needs {} nodes", scenario.needs_nodes));
  std::set<std::string> zones;
  for (const auto& node : topology.nodes) {
    if (!node.zone.empty()) zones.insert(node.zone);
    if (node.pods.size() >= scenario.needs_pods) continue;
    return lacks(
        fmt::format("needs {} pods on each node; {} has {}", scenario.needs_pods, node.name, node.pods.size()));
  }
  if (zones.size() < scenario.needs_zones) return lacks(fmt::format("needs nodes in {} zones", scenario.needs_zones));
  return {};
}

}  // namespace

Result<ScenarioWorld> build_world(const catalogue::Scenario& scenario, const catalogue::Step& step,
                                  const Topology& topology, const std::vector<world::Node>& nodes, const Places& places,
                                  Allocation& allocation) {
  if (auto status = check_needs(scenario, topology); !status) return std::unexpected(status.error());
  ScenarioWorld result;
  result.world.nodes = nodes;
  for (const auto& spec : step.services) {
    ServiceBuilder builder(scenario, spec, topology, places, allocation);
    if (auto status = builder.build(result.copies); !status) return std::unexpected(status.error());
    if (spec.absent) continue;
    result.world.slices.insert(result.world.slices.end(), builder.slices().begin(), builder.slices().end());
  }
  for (const auto& copy : result.copies) {
    if (copy.present) result.world.services.push_back(copy.service);
  }
  return result;
}

}  // namespace conntruth::plan
