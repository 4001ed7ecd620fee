#include "controller/plan/draft.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "controller/plan/origins.hpp"

namespace conntruth::plan {

std::string Draft::id() const {
  return fmt::format("{}/{}/{}>{}/{}/{}", scenario, step, row(), target, to_string(protocol),
                     to_string(entry.target.address.family()));
}

std::string Draft::id_over_steps() const {
  auto any = *this;
  any.step.clear();
  return any.id();
}

namespace {

using catalogue::Client;
using catalogue::ProbeRule;
using catalogue::ProbeSpec;

// Up to this many nodes every client × entry × endpoint is tried; with more every pair of two of them is, once.
constexpr std::size_t kWholeCube = 4;
constexpr std::uint16_t kUnallocatedPort = 80;
constexpr std::uint16_t kDnsPort = 53;

template <typename T>
bool wants(const std::vector<T>& list, const T& value) {
  return list.empty() || std::ranges::find(list, value) != list.end();
}

// An address to probe, with the words for it.
struct Aim {
  Entry entry;
  std::string column;
  std::string target;
  std::optional<std::size_t> node;  // whose node port or health endpoint it is
};

class StepDrafter {
 public:
  StepDrafter(const catalogue::Scenario& scenario, const catalogue::Step& step, const ScenarioWorld& scenario_world,
              const Topology& topology, const Places& places, Allocation& allocation, const PlanOptions& options)
      : scenario_(scenario),
        step_(step),
        world_(scenario_world),
        topology_(topology),
        places_(places),
        allocation_(allocation),
        options_(options) {
    for (const auto family : families_of(topology)) {
      if (wants(options.families, family)) families_.push_back(family);
    }
  }

  [[nodiscard]] Result<Drafts> build() {
    for (const auto& probe : step_.probes) {
      for (const auto kind : probe.to) {
        if (auto status = add_entries(probe, kind); !status) {
          return std::unexpected(status.error());
        }
      }
    }
    return std::move(result_);
  }

 private:
  [[nodiscard]] Status add_entries(const ProbeSpec& probe, EntryKind kind) {
    switch (kind) {
      case EntryKind::kUnallocated:
        return add_unallocated(probe);
      case EntryKind::kHealthCheckNodePort:
        return add_health_ports(probe);
      case EntryKind::kProxyHealthz:
      case EntryKind::kProxyLivez:
        return add_health(probe, kind, ServiceCopy{}, kProxyHealthPort);
      case EntryKind::kClusterIp:
      case EntryKind::kNodePort:
      case EntryKind::kExternalIp:
      case EntryKind::kLoadBalancer:
      case EntryKind::kPodIp:
      case EntryKind::kUnusedPort:
        break;
      case EntryKind::kName:
        return add_names(probe);
    }
    return add_kind(probe, kind);
  }

  // Every Service's, present or not.
  [[nodiscard]] Status add_names(const ProbeSpec& probe) {
    const auto& dns = topology_.dns;
    for (const auto& copy : world_.copies) {
      if (!wants(probe.services, copy.name)) continue;
      const auto service = copy.name + (copy.label.empty() ? "" : "." + copy.label);
      if (dns.servers.empty()) {
        auto id = fmt::format("{}/{}/*>name:{}", scenario_.id, step_.name, service);
        if (seen_.insert(id).second)
          result_.not_run.push_back({std::move(id), scenario_.id, "there is no cluster DNS here"});
        continue;
      }
      std::vector<Aim> aims;
      for (const auto& server : dns.servers) {
        if (std::ranges::find(families_, server.family()) == families_.end()) continue;
        Entry entry{EntryKind::kName, copy.present ? copy.service.key() : "", "", "", {server, kDnsPort}};
        entry.name = dns_name(copy.service, dns);
        aims.push_back({std::move(entry), copy.label.empty() ? copy.name : copy.label, "name:" + service, {}});
      }
      if (auto status = add_aims(probe, copy, {Protocol::kUdp}, aims); !status) return status;
    }
    return {};
  }

  [[nodiscard]] Status add_health_ports(const ProbeSpec& probe) {
    for (const auto& copy : world_.copies) {
      if (copy.health_port == 0 || !wants(probe.services, copy.name)) continue;
      if (auto status = add_health(probe, EntryKind::kHealthCheckNodePort, copy, copy.health_port); !status)
        return status;
    }
    return {};
  }

  // What each node's proxy says of itself, or of the Service on its node.
  [[nodiscard]] Status add_health(const ProbeSpec& probe, EntryKind kind, const ServiceCopy& copy, std::uint16_t port) {
    const auto nodes = catalogue::resolve(probe.entries, places_.nodes(), copy.own);
    if (!nodes) return std::unexpected(nodes.error());
    const auto service = copy.label.empty() ? copy.name : copy.name + "." + copy.label;
    std::vector<Aim> aims;
    for (const auto index : *nodes) {
      const auto& node = places_.node(index);
      const Entry entry{kind, copy.present && !copy.name.empty() ? copy.service.key() : "", "", node.label, {}};
      const auto target = fmt::format("{}{}{}@{}", to_string(kind), service.empty() ? "" : ":", service, node.label);
      const auto column = copy.label.empty() ? node.label : node.label + " of " + copy.label;
      add_node_aims({entry, column, target, index}, node, port, aims);
    }
    return add_aims(probe, copy, {Protocol::kTcp}, aims);
  }

  // One for each address of the node.
  void add_node_aims(Aim aim, const Place& node, std::uint16_t port, std::vector<Aim>& aims) const {
    for (const auto& address : node.addresses) {
      if (std::ranges::find(families_, address.family()) == families_.end()) continue;
      aim.entry.target = {address, port};
      aims.push_back(aim);
    }
  }

  [[nodiscard]] Status add_kind(const ProbeSpec& probe, EntryKind kind) {
    for (const auto& copy : world_.copies) {
      if (!wants(probe.services, copy.name)) continue;
      for (const auto& port : copy.ports) {
        if (!wants(probe.ports, port.name)) continue;
        auto aims = aims_at(probe, kind, copy, port);
        if (!aims) return std::unexpected(aims.error());
        if (auto status = add_aims(probe, copy, protocols_of(probe, port), *aims); !status) return status;
      }
    }
    return {};
  }

  [[nodiscard]] Status add_unallocated(const ProbeSpec& probe) {
    std::vector<Aim> aims;
    for (const auto family : families_) {
      const auto address = allocation_.address(Range::kCluster, family, scenario_.id + " unallocated");
      if (!address) return std::unexpected(address.error());
      aims.push_back(
          {{EntryKind::kUnallocated, "", "", "", {*address, kUnallocatedPort}}, "unallocated", "unallocated", {}});
    }
    const auto protocols = probe.protocols.empty() ? std::vector{Protocol::kTcp, Protocol::kUdp} : probe.protocols;
    return add_aims(probe, ServiceCopy{}, protocols, aims);
  }

  [[nodiscard]] static std::vector<Protocol> protocols_of(const ProbeSpec& probe, const world::ServicePort& port) {
    if (probe.rule == ProbeRule::kKeptConnection && port.protocol != Protocol::kTcp) return {};
    return probe.protocols.empty() ? std::vector{port.protocol} : probe.protocols;
  }

  // "web", "web.node-1", and the port's name where there are several.
  [[nodiscard]] static std::string name_of(const ServiceCopy& copy, const world::ServicePort& port) {
    auto name = copy.name + (copy.label.empty() ? "" : "." + copy.label);
    return copy.ports.size() > 1 ? name + ":" + port.name : name;
  }

  [[nodiscard]] Result<std::vector<Aim>> aims_at(const ProbeSpec& probe, EntryKind kind, const ServiceCopy& copy,
                                                 const world::ServicePort& port) {
    switch (kind) {
      case EntryKind::kClusterIp:
        return at_addresses(kind, copy, port, copy.cluster_ips, port.port);
      case EntryKind::kExternalIp:
        return at_addresses(kind, copy, port, copy.external_ips, port.port);
      case EntryKind::kLoadBalancer:
        return at_addresses(kind, copy, port, copy.load_balancer_ips, port.port);
      case EntryKind::kUnusedPort:
        return at_addresses(kind, copy, port, copy.cluster_ips, kUnusedServicePort);
      case EntryKind::kNodePort:
        return at_nodes(probe, copy, port);
      case EntryKind::kPodIp:
        return at_endpoints(copy, port);
      case EntryKind::kUnallocated:
      case EntryKind::kHealthCheckNodePort:
      case EntryKind::kProxyHealthz:
      case EntryKind::kProxyLivez:
      case EntryKind::kName:
        break;
    }
    return std::vector<Aim>{};
  }

  [[nodiscard]] Entry entry_of(EntryKind kind, const ServiceCopy& copy, const world::ServicePort& port) const {
    return {kind, copy.present ? copy.service.key() : std::string(), port.name, "", {}};
  }

  [[nodiscard]] std::vector<Aim> at_addresses(EntryKind kind, const ServiceCopy& copy, const world::ServicePort& port,
                                              const std::vector<IpAddress>& addresses, std::uint16_t number) const {
    std::vector<Aim> aims;
    for (const auto& address : addresses) {
      if (std::ranges::find(families_, address.family()) == families_.end()) continue;
      Aim aim{entry_of(kind, copy, port),
              column_of(copy, port),
              fmt::format("{}:{}", to_string(kind), name_of(copy, port)),
              {}};
      aim.entry.target = {address, number};
      aims.push_back(std::move(aim));
    }
    return aims;
  }

  [[nodiscard]] static std::string column_of(const ServiceCopy& copy, const world::ServicePort& port) {
    const auto base = copy.label.empty() ? copy.name : copy.label;
    return copy.ports.size() > 1 ? base + ":" + port.name : base;
  }

  [[nodiscard]] Result<std::vector<Aim>> at_nodes(const ProbeSpec& probe, const ServiceCopy& copy,
                                                  const world::ServicePort& port) {
    std::vector<Aim> aims;
    if (port.node_port == 0) return aims;
    const auto nodes = catalogue::resolve(probe.entries, places_.nodes(), copy.own);
    if (!nodes) return std::unexpected(nodes.error());
    for (const auto index : *nodes) {
      const auto& node = places_.node(index);
      Aim aim{entry_of(EntryKind::kNodePort, copy, port), node.label,
              fmt::format("nodePort:{}@{}", name_of(copy, port), node.label), index};
      if (!copy.label.empty()) aim.column += " to " + copy.label;
      if (copy.ports.size() > 1) aim.column += ":" + port.name;
      aim.entry.node = node.label;
      add_node_aims(std::move(aim), node, port.node_port, aims);
    }
    return aims;
  }

  [[nodiscard]] std::vector<Aim> at_endpoints(const ServiceCopy& copy, const world::ServicePort& port) const {
    std::vector<Aim> aims;
    std::map<std::string, unsigned> seen;  // a place may hold several endpoints
    for (const auto& endpoint : copy.endpoints) {
      const auto found = std::ranges::find(endpoint.ports, port.name, &world::EndpointPort::name);
      if (found == endpoint.ports.end() || found->port == 0) continue;
      const auto nth = ++seen[endpoint.place->label];
      const auto label = endpoint.place->label + (nth > 1 ? fmt::format("#{}", nth) : "");
      for (const auto& address : endpoint.addresses) {
        if (std::ranges::find(families_, address.family()) == families_.end()) continue;
        Aim aim{
            entry_of(EntryKind::kPodIp, copy, port), label, fmt::format("podIP:{}@{}", name_of(copy, port), label), {}};
        aim.entry.target = {address, found->port};
        aims.push_back(std::move(aim));
      }
    }
    return aims;
  }

  [[nodiscard]] Status add_aims(const ProbeSpec& probe, const ServiceCopy& copy, const std::vector<Protocol>& protocols,
                                const std::vector<Aim>& aims) {
    const auto origins = origins_of(probe, copy);
    if (!origins) return std::unexpected(origins.error());
    for (const auto& aim : aims) {
      for (const auto protocol : protocols) {
        if (!wants(options_.protocols, protocol)) continue;
        for (const auto& origin : *origins) {
          if (worth_it(copy, aim, origin)) add(probe, copy, aim, protocol, origin);
        }
      }
    }
    return {};
  }

  // Packets to a node's own address reach that node whatever its client outside is called. And where there are many
  // nodes the cube of clients, entries and endpoints, which grows with their third power, is thinned to a Latin square;
  // hosts and clients outside try a few squares next to the diagonal.
  [[nodiscard]] bool worth_it(const ServiceCopy& copy, const Aim& aim, const Origin& origin) const {
    if (!aim.node) return true;
    const auto nodes = places_.nodes();
    const auto apart = [nodes](std::size_t from, std::size_t to) { return (to + nodes - from) % nodes; };
    if (origin.kind == VantageKind::kExternal) {
      if (origin.node_index != *aim.node) return false;
      return !copy.own || apart(*aim.node, *copy.own) < kWholeCube;
    }
    const bool over_http = !http_path(aim.entry.kind).empty();
    if (over_http && nodes > kWholeCube) return apart(origin.node_index, *aim.node) < kWholeCube;
    if (!copy.own || nodes <= kWholeCube) return true;
    if (origin.kind == VantageKind::kNode && apart(origin.node_index, *aim.node) >= kWholeCube) return false;
    return (origin.node_index + *aim.node + *copy.own) % nodes == 0;
  }

  void add(const ProbeSpec& probe, const ServiceCopy& copy, const Aim& aim, Protocol protocol, const Origin& origin) {
    Draft draft{scenario_.id, step_.name, {},         aim.column, aim.target, origin,
                aim.entry,    protocol,   probe.rule, 0,          {},         step_.covers};
    draft.covers.insert(draft.covers.end(), probe.covers.begin(), probe.covers.end());
    draft.table = fmt::format("{}{}{}", copy.name, copy.name.empty() ? "" : " ", to_string(aim.entry.kind));
    if (probe.rule == ProbeRule::kFixedFlow) draft.target += ":fixed-flow", draft.table += " fixed-flow";
    if (probe.rule == ProbeRule::kKeptConnection) draft.target += ":kept", draft.table += " kept";
    if (probe.rule == ProbeRule::kRotate) draft.target += ":rotate", draft.table += " rotate";
    if (!seen_.insert(draft.id()).second) return;
    const auto family = aim.entry.target.address.family();
    if (address_of(origin.sources, family).is_unspecified()) {
      return result_.not_run.push_back(
          {draft.id(), scenario_.id, fmt::format("{} has no {} address", origin.label(), to_string(family))});
    }
    if (probe.rule == ProbeRule::kFixedFlow) {
      const auto key = fmt::format("{} {} {}", draft.target, to_string(protocol), to_string(family));
      draft.source_port = allocation_.fixed_port(origin.label(), scenario_.id + " " + key);
    }
    if (aim.entry.kind == EntryKind::kName) return result_.drafts.push_back(std::move(draft));
    // A health endpoint is answered by the node itself.
    if (!http_path(aim.entry.kind).empty()) {
      draft.endpoints = {&places_.node(*aim.node)};
      return result_.drafts.push_back(std::move(draft));
    }
    for (const auto& endpoint : copy.endpoints) {
      if (std::ranges::find(draft.endpoints, endpoint.place) == draft.endpoints.end())
        draft.endpoints.push_back(endpoint.place);
    }
    result_.drafts.push_back(std::move(draft));
  }

  [[nodiscard]] Result<std::vector<Origin>> origins_of(const ProbeSpec& probe, const ServiceCopy& copy) {
    auto found = plan::origins_of(probe, copy, places_);
    if (!found) return std::unexpected(found.error());
    for (auto& [who, reason] : found->missing) {
      auto id = fmt::format("{}/{}/{}>*", scenario_.id, step_.name, who);
      if (seen_.insert(id).second) result_.not_run.push_back({std::move(id), scenario_.id, std::move(reason)});
    }
    return std::move(found->origins);
  }

  const catalogue::Scenario& scenario_;
  const catalogue::Step& step_;
  const ScenarioWorld& world_;
  const Topology& topology_;
  const Places& places_;
  Allocation& allocation_;
  const PlanOptions& options_;
  std::vector<Family> families_;
  std::set<std::string> seen_;
  Drafts result_;
};

}  // namespace

Result<Drafts> draft_step(const catalogue::Scenario& scenario, const catalogue::Step& step,
                          const ScenarioWorld& scenario_world, const Topology& topology, const Places& places,
                          Allocation& allocation, const PlanOptions& options) {
  return StepDrafter(scenario, step, scenario_world, topology, places, allocation, options).build();
}

}  // namespace conntruth::plan
