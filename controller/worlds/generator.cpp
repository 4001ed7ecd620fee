#include "controller/worlds/generator.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <set>
#include <utility>

namespace conntruth::worlds {
namespace {

using world::Endpoint;
using world::EndpointSlice;
using world::Service;
using world::ServiceType;

// The library's distributions are not the same everywhere, the generator is.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  [[nodiscard]] std::size_t below(std::size_t count) { return random_() % count; }
  [[nodiscard]] bool chance(unsigned per_cent) { return below(100) < per_cent; }
  template <typename T>
  [[nodiscard]] const T& one_of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

 private:
  std::mt19937_64 random_;
};

struct EndpointPlace {
  std::string name;
  const TopologyNode* node;
  std::vector<IpAddress> addresses;
};

class Generator {
 public:
  Generator(const Topology& topology, std::uint64_t seed) : topology_(topology), dice_(seed) {
    for (const auto& node : topology.nodes) {
      for (const auto& pod : node.pods) pods_.push_back({pod.name, &node, pod.addresses});
      nodes_.push_back({node.name, &node, node.addresses});
      for (const auto& address : node.addresses) families_.insert(address.family());
    }
  }

  [[nodiscard]] world::World make() {
    const auto count = 1 + dice_.below(3);
    for (std::size_t index = 0; index < count; ++index) {
      auto service = make_service(index);
      if (service.type != ServiceType::kExternalName) add_slices(service);
      world_.services.push_back(std::move(service));
    }
    return std::move(world_);
  }

 private:
  [[nodiscard]] Service make_service(std::size_t index) {
    Service service;
    service.namespace_name = "worlds";
    service.name = std::string(1, static_cast<char>('a' + index));
    service.type = pick_type();
    service.ports = make_ports(service.type);
    if (service.type == ServiceType::kExternalName) {
      service.external_name = "elsewhere.example";
      return service;
    }
    service.headless = service.type == ServiceType::kClusterIp && dice_.chance(8);
    service.ip_families = pick_families();
    for (const auto family : service.ip_families) {
      if (!service.headless) service.cluster_ips.push_back(address_in(topology_.ranges.cluster_ips, family, index));
    }
    if (!service.headless) add_external(service, index);
    if (!service.headless && dice_.chance(25)) service.internal_policy = world::TrafficPolicy::kLocal;
    if (!service.headless && dice_.chance(20)) service.affinity_timeout_s = dice_.chance(50) ? 10800 : 60;
    service.publish_not_ready_addresses = dice_.chance(10);
    if (dice_.chance(3)) service.labels[std::string(world::kProxyNameLabel)] = "another";
    if (!service.headless && dice_.chance(3)) service.labels[std::string(world::kHeadlessLabel)] = "";
    if (dice_.chance(15)) {
      service.traffic_distribution = dice_.one_of<std::string>({"PreferClose", "PreferSameZone", "PreferSameNode"});
    }
    return service;
  }

  [[nodiscard]] ServiceType pick_type() {
    const auto roll = dice_.below(100);
    if (roll < 35) return ServiceType::kClusterIp;
    if (roll < 64) return ServiceType::kNodePort;
    return roll < 98 ? ServiceType::kLoadBalancer : ServiceType::kExternalName;
  }

  [[nodiscard]] std::vector<Family> pick_families() {
    std::vector<Family> families(families_.begin(), families_.end());
    if (families.size() < 2) return families;
    if (dice_.chance(30)) std::swap(families[0], families[1]);
    if (dice_.chance(25)) families.resize(1);
    return families;
  }

  [[nodiscard]] std::vector<world::ServicePort> make_ports(ServiceType type) {
    std::vector<world::ServicePort> ports;
    const auto count = 1 + dice_.below(3);
    const bool allocate = type == ServiceType::kNodePort || type == ServiceType::kLoadBalancer;
    while (ports.size() < count) {
      world::ServicePort port;
      port.name = count == 1 && dice_.chance(30) ? "" : fmt::format("p{}", ports.size());
      const auto roll = dice_.below(100);
      port.protocol = roll < 45 ? Protocol::kTcp : roll < 85 ? Protocol::kUdp : Protocol::kSctp;
      port.port = dice_.chance(70) ? dice_.one_of<std::uint16_t>({53, 80, 443, 8080})
                                   : static_cast<std::uint16_t>(1 + dice_.below(3999));
      const auto same = [&](const auto& other) { return other.port == port.port && other.protocol == port.protocol; };
      if (std::ranges::any_of(ports, same)) continue;
      if (allocate) port.node_port = node_port_for(port, ports);
      ports.push_back(std::move(port));
    }
    return ports;
  }

  // One number may serve several protocols of one port (the API server's allocator takes it for no other).
  [[nodiscard]] std::uint16_t node_port_for(const world::ServicePort& port,
                                            const std::vector<world::ServicePort>& others) {
    const auto other = std::ranges::find_if(
        others, [&](const auto& each) { return each.protocol != port.protocol && each.port == port.port; });
    const auto taken = [&](std::uint16_t number) {
      return std::ranges::any_of(
          others, [&](const auto& each) { return each.node_port == number && each.protocol == port.protocol; });
    };
    if (other != others.end() && dice_.chance(60) && !taken(other->node_port)) return other->node_port;
    return static_cast<std::uint16_t>(topology_.ranges.node_port_first + next_node_port_++);
  }

  static IpAddress address_in(const std::vector<Prefix>& ranges, Family family, std::size_t index) {
    const auto range =
        std::ranges::find_if(ranges, [&](const Prefix& each) { return each.address.family() == family; });
    return range == ranges.end() ? IpAddress() : range->at(static_cast<std::uint32_t>(index + 1));
  }

  [[nodiscard]] bool has_range(const std::vector<Prefix>& ranges, Family family) const {
    return std::ranges::any_of(ranges, [&](const Prefix& each) { return each.address.family() == family; });
  }

  void add_external(Service& service, std::size_t index) {
    if (dice_.chance(25)) {
      // Now and then of a family that the Service does not have, or shared with the Service before.
      for (const auto family : families_) {
        if (!has_range(topology_.ranges.external_ips, family) || dice_.chance(25)) continue;
        const auto whose = index > 0 && dice_.chance(15) ? index - 1 : index;
        service.external_ips.push_back(address_in(topology_.ranges.external_ips, family, whose));
      }
    }
    const bool external = service.type != ServiceType::kClusterIp || !service.external_ips.empty();
    if (external && dice_.chance(45)) service.external_policy = world::TrafficPolicy::kLocal;
    if (service.type == ServiceType::kLoadBalancer) add_load_balancer(service, index);
  }

  void add_load_balancer(Service& service, std::size_t index) {
    if (dice_.chance(20)) {
      service.allocate_node_ports = false;
      for (auto& port : service.ports) port.node_port = 0;
    }
    if (service.external_policy == world::TrafficPolicy::kLocal) {
      service.health_check_node_port = static_cast<std::uint16_t>(topology_.ranges.node_port_first + next_node_port_++);
    }
    for (const auto family : service.ip_families) {
      if (!has_range(topology_.ranges.load_balancers, family) || dice_.chance(12)) continue;
      const auto mode = dice_.chance(12) ? world::IpMode::kProxy : world::IpMode::kVip;
      service.ingress.push_back({address_in(topology_.ranges.load_balancers, family, index), mode});
    }
    if (dice_.chance(35)) add_source_ranges(service);
  }

  void add_source_ranges(Service& service) {
    std::vector<std::string> choices{"198.18.0.0/15", "2001:db8:ff::/48"};
    const auto add = [&](const IpAddress& address) {
      const bool four = address.family() == Family::kIpv4;
      choices.push_back(address.to_string() + (four ? "/32" : "/128"));
      choices.push_back(address.to_string() + (four ? "/24" : "/64"));
    };
    for (const auto& client : topology_.external_clients) {
      for (const auto& via : client.via) std::ranges::for_each(via.sources, add);
    }
    for (const auto& place : pods_) std::ranges::for_each(place.addresses, add);
    for (const auto& place : nodes_) std::ranges::for_each(place.addresses, add);
    const auto count = 1 + dice_.below(3);
    for (std::size_t i = 0; i < count; ++i) {
      const auto prefix = Prefix::parse(dice_.one_of(choices));
      if (prefix && std::ranges::find(service.source_ranges, *prefix) == service.source_ranges.end()) {
        service.source_ranges.push_back(*prefix);
      }
    }
  }

  // ---- slices ----

  void add_slices(const Service& service) {
    const auto endpoints = make_endpoints();
    hints_ = dice_.below(100);
    for (const auto family : service.ip_families) {
      if (dice_.chance(3)) continue;  // a family without any slice
      const std::size_t slices = dice_.chance(25) ? 2 : 1;
      std::vector<std::optional<Endpoint>> made;
      for (const auto* each : endpoints) made.push_back(make_endpoint(*each, family));
      for (std::size_t index = 0; index < slices; ++index) {
        auto slice = make_slice(service, family, index);
        for (std::size_t each = 0; each < endpoints.size(); ++each) {
          // Most stand in one of the slices, a few in both while they move.
          const bool stands = slices == 1 || each % slices == index || dice_.chance(15);
          if (!stands || !made[each]) continue;
          slice.endpoints.push_back(*made[each]);
          // One slice may have heard of a change, the other not yet.
          if (index > 0 && dice_.chance(10)) set_conditions(slice.endpoints.back());
        }
        world_.slices.push_back(std::move(slice));
      }
    }
  }

  [[nodiscard]] std::vector<const EndpointPlace*> make_endpoints() {
    static constexpr std::array<std::size_t, 12> kCounts{0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6};
    auto places = pods_;
    std::vector<const EndpointPlace*> chosen;
    const auto count = kCounts[dice_.below(kCounts.size())];
    std::set<const EndpointPlace*> taken;
    for (std::size_t tries = 0; chosen.size() < count && tries < 4 * count; ++tries) {
      const auto& place = dice_.chance(8) || pods_.empty() ? dice_.one_of(nodes_) : dice_.one_of(pods_);
      if (taken.insert(&place).second) chosen.push_back(&place);
    }
    return chosen;
  }

  [[nodiscard]] EndpointSlice make_slice(const Service& service, Family family, std::size_t index) {
    EndpointSlice slice;
    slice.namespace_name = service.namespace_name;
    slice.service_name = service.name;
    slice.name = fmt::format("{}-{}-{}", service.name, to_string(family), index);
    slice.family = family;
    if (dice_.chance(2)) slice.labels[std::string(world::kHeadlessLabel)] = "";
    if (dice_.chance(2)) slice.labels[std::string(world::kProxyNameLabel)] = "another";
    for (const auto& port : service.ports) {
      if (service.ports.size() > 1 && dice_.chance(6)) continue;
      const auto number = static_cast<std::uint16_t>(kFirstEndpointPort + dice_.below(kEndpointPorts));
      slice.ports.push_back({port.name, port.protocol, number});
    }
    return slice;
  }

  [[nodiscard]] std::optional<Endpoint> make_endpoint(const EndpointPlace& place, Family family) {
    const auto address = address_of(place.addresses, family);
    if (address.is_unspecified()) return std::nullopt;
    Endpoint endpoint;
    endpoint.addresses = {address};
    if (!dice_.chance(5)) endpoint.node_name = place.node->name;
    endpoint.zone = place.node->zone;
    endpoint.target_name = place.name;
    set_conditions(endpoint);
    set_hints(endpoint, *place.node);
    return endpoint;
  }

  void set_conditions(Endpoint& endpoint) {
    const auto roll = dice_.below(100);
    const auto set = [&](std::optional<bool> ready, std::optional<bool> serving, std::optional<bool> terminating) {
      endpoint.ready = ready;
      endpoint.serving = serving;
      endpoint.terminating = terminating;
    };
    if (roll < 55) return set(true, true, false);
    if (roll < 60) return set(std::nullopt, std::nullopt, std::nullopt);
    if (roll < 64) return set(true, std::nullopt, std::nullopt);
    if (roll < 72) return set(false, false, false);
    if (roll < 74) return set(false, true, false);
    if (roll < 87) return set(false, true, true);
    if (roll < 90) return set(false, false, true);
    if (roll < 93) return set(false, std::nullopt, true);
    if (roll < 95) return set(false, true, std::nullopt);
    if (roll < 98) return set(true, true, true);
    set(std::nullopt, true, true);
  }

  void set_hints(Endpoint& endpoint, const TopologyNode& node) {
    if (hints_ < 55) return;
    const bool partial = hints_ >= 90;
    if (partial && dice_.chance(40)) return;
    const auto other = [&]() -> const TopologyNode& { return topology_.nodes[dice_.below(topology_.nodes.size())]; };
    const bool by_zone = hints_ < 78 || hints_ >= 84;
    const bool by_node = hints_ >= 78;
    if (by_zone) {
      endpoint.zone_hints = std::vector<std::string>{};
      const auto zone = dice_.chance(75) ? node.zone : other().zone;
      if (!zone.empty()) endpoint.zone_hints->push_back(zone);
      if (dice_.chance(10)) endpoint.zone_hints->push_back("zone-of-nobody");
      if (endpoint.zone_hints->empty()) endpoint.zone_hints.reset();
    }
    if (by_node) endpoint.node_hints = std::vector<std::string>{dice_.chance(75) ? node.name : other().name};
  }

  const Topology& topology_;
  Dice dice_;
  std::vector<EndpointPlace> pods_;
  std::vector<EndpointPlace> nodes_;
  std::set<Family> families_;
  std::uint16_t next_node_port_ = 0;
  std::size_t hints_ = 0;  // which kind the present Service has, in per cent
  world::World world_;
};

}  // namespace

std::uint64_t world_seed(std::uint64_t seed, std::uint64_t number) {
  // splitmix64, so that neighbours have nothing in common.
  std::uint64_t value = seed * 0x9e3779b97f4a7c15ULL + number + 1;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31U);
}

world::World generate(const Topology& topology, std::uint64_t seed, std::uint64_t number) {
  return Generator(topology, world_seed(seed, number)).make();
}

}  // namespace conntruth::worlds
