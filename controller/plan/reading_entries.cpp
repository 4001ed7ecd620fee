#include "controller/plan/reading_entries.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace conntruth::plan {

namespace {

bool serves(const world::Service& service, Family family) {
  const auto is_its = [family](const auto& each) { return each == family; };
  if (!service.ip_families.empty()) return std::ranges::any_of(service.ip_families, is_its);
  return service.cluster_ip(family).has_value();
}

class Entries {
 public:
  Entries(const world::World& world, const world::Service& service, const world::ServicePort& port,
          const Places& places)
      : world_(world), service_(service), port_(port), places_(places) {}

  [[nodiscard]] ReadingEntries take() {
    if (service_.headless || service_.labels.contains(std::string(world::kHeadlessLabel))) {
      add_endpoints();
    } else {
      for (const auto& address : service_.cluster_ips) add(EntryKind::kClusterIp, address);
      for (const auto& address : service_.external_ips) add(EntryKind::kExternalIp, address);
      if (service_.type == world::ServiceType::kLoadBalancer) {
        for (const auto& ingress : service_.ingress) add(EntryKind::kLoadBalancer, ingress.address);
      }
      if (port_.node_port != 0) add_nodes();
    }
    if (result_.entries.empty() && result_.not_run.empty()) result_.not_run.emplace_back("it has no address");
    return std::move(result_);
  }

 private:
  // "web:http", or "web" where there is one port.
  [[nodiscard]] std::string name() const {
    if (service_.ports.size() == 1) return service_.name;
    return fmt::format("{}:{}", service_.name, port_.name.empty() ? std::to_string(port_.port) : port_.name);
  }
  [[nodiscard]] Entry entry(EntryKind kind, const SocketAddress& target) const {
    return {kind, service_.key(), port_.name, "", target};
  }

  void add(EntryKind kind, const IpAddress& address) {
    const auto nth = ++seen_[{kind, address.family()}];  // a Service may have several external addresses
    const auto target = fmt::format("{}:{}{}", to_string(kind), name(), nth > 1 ? fmt::format("#{}", nth) : "");
    const auto column = nth > 1 ? fmt::format("{}#{}", name(), nth) : name();
    result_.entries.push_back({entry(kind, {address, port_.port}), column, target, {}});
  }

  void add_nodes() {
    for (std::size_t index = 0; index < places_.nodes(); ++index) {
      const auto& node = places_.node(index);
      for (const auto& address : node.addresses) {
        if (!serves(service_, address.family())) continue;
        auto at = entry(EntryKind::kNodePort, {address, port_.node_port});
        at.node = node.label;
        result_.entries.push_back(
            {std::move(at), node.label, fmt::format("nodePort:{}@{}", name(), node.label), index});
      }
    }
  }

  void add_endpoints() {
    std::set<SocketAddress> known;
    std::map<std::string, unsigned> labels;
    for (const auto& slice : world_.slices) {
      if (slice.service_key() != service_.key()) continue;
      for (const auto& port : slice.ports) {
        if (port.name != port_.name || port.protocol != port_.protocol || port.port == 0) continue;
        for (const auto& endpoint : slice.endpoints) add_endpoint(endpoint, port.port, known, labels);
      }
    }
    if (result_.entries.empty()) result_.not_run.emplace_back("it is headless and has no ready endpoint");
  }

  void add_endpoint(const world::Endpoint& endpoint, std::uint16_t port, std::set<SocketAddress>& known,
                    std::map<std::string, unsigned>& labels) {
    const SocketAddress target{endpoint.addresses.front(), port};
    if (!endpoint.is_ready() || !known.insert(target).second) return;
    auto label = name_of(endpoint, places_);
    const auto family = to_string(target.address.family());
    if (const auto nth = ++labels[fmt::format("{} {}", label, family)]; nth > 1) label += fmt::format("#{}", nth);
    result_.entries.push_back({entry(EntryKind::kPodIp, target), label, fmt::format("podIP:{}@{}", name(), label), {}});
  }

  const world::World& world_;
  const world::Service& service_;
  const world::ServicePort& port_;
  const Places& places_;
  std::map<std::pair<EntryKind, Family>, unsigned> seen_;
  ReadingEntries result_;
};

}  // namespace

std::string why_not_at_all(const world::Service& service) {
  if (service.type == world::ServiceType::kExternalName)
    return fmt::format("it is a name in the DNS for {} and has no address of its own", service.external_name);
  if (const auto label = service.labels.find(std::string(world::kProxyNameLabel)); label != service.labels.end()) {
    return fmt::format("it is left to the service proxy \"{}\" by its label {}, whose rules are not known",
                       label->second, world::kProxyNameLabel);
  }
  if (service.ports.empty()) return "it has no port";
  return {};
}

ReadingEntries entries_of(const world::World& world, const world::Service& service, const world::ServicePort& port,
                          const Places& places) {
  return Entries(world, service, port, places).take();
}

std::string name_of(const world::Endpoint& endpoint, const Places& places) {
  if (!endpoint.target_name.empty()) return endpoint.target_name;
  const auto& address = endpoint.addresses.front();
  if (const auto* place = places.find(address)) return place->label;
  return address.family() == Family::kIpv4 ? address.to_string() : fmt::format("[{}]", address.to_string());
}

}  // namespace conntruth::plan
