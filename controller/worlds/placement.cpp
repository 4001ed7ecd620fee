#include "controller/worlds/placement.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace conntruth::worlds {
namespace {

constexpr std::string_view kNamespace = "conntruth-worlds";
constexpr std::uint32_t kFirstClusterIp = 0x1800;  // beyond what the catalogue takes
constexpr std::uint32_t kClusterIps = 4;
constexpr std::uint32_t kClusterIpSlots = 8000;
constexpr std::uint32_t kNodePorts = 12;
constexpr std::uint32_t kNodePortSlots = 225;
constexpr std::uint32_t kOutside = 4;
constexpr std::uint32_t kOutsideSlots = 60;

// A world that was placed before has the id of then in front.
std::string tail(const std::string& name) {
  const auto dash = name.find('-');
  const bool placed = dash != std::string::npos && dash > 1;
  return placed ? name.substr(dash + 1) : name;
}

class Placer {
 public:
  Placer(const Topology& topology, std::string id, std::uint32_t slot)
      : ranges_(topology.ranges), id_(std::move(id)), slot_(slot) {}

  [[nodiscard]] Result<world::World> run(world::World world) {
    for (auto& service : world.services) move(service);
    for (auto& slice : world.slices) {
      slice.namespace_name = kNamespace;
      slice.name = id_ + "-" + tail(slice.name);
      slice.service_name = id_ + "-" + tail(slice.service_name);
    }
    if (!lacking_.empty()) return fail(ErrorCode::kResource, fmt::format("world {}: {}", id_, lacking_));
    return world;
  }

 private:
  void move(world::Service& service) {
    service.namespace_name = kNamespace;
    service.name = id_ + "-" + tail(service.name);
    for (auto& address : service.cluster_ips) {
      address = moved(cluster_ips_, ranges_.cluster_ips, address, kClusterIps,
                      kFirstClusterIp + slot_ % kClusterIpSlots * kClusterIps);
    }
    for (auto& address : service.external_ips) {
      address = moved(external_ips_, ranges_.external_ips, address, kOutside, slot_ % kOutsideSlots * kOutside + 1);
    }
    for (auto& ingress : service.ingress) {
      ingress.address = moved(load_balancers_, ranges_.load_balancers, ingress.address, kOutside,
                              slot_ % kOutsideSlots * kOutside + 1);
    }
    for (auto& port : service.ports) port.node_port = moved(port.node_port);
    service.health_check_node_port = moved(service.health_check_node_port);
  }

  using Moved = std::map<IpAddress, IpAddress>;
  [[nodiscard]] IpAddress moved(Moved& known, const std::vector<Prefix>& ranges, const IpAddress& address,
                                std::uint32_t most, std::uint32_t first) {
    const auto found = known.find(address);
    if (found != known.end()) return found->second;
    const auto range =
        std::ranges::find_if(ranges, [&](const Prefix& each) { return each.address.family() == address.family(); });
    const auto used = static_cast<std::uint32_t>(
        std::ranges::count_if(known, [&](const auto& entry) { return entry.first.family() == address.family(); }));
    if (range == ranges.end() || used >= most) {
      lacking_ = fmt::format("there is no room for the address {}", address.to_string());
      return address;
    }
    return known[address] = range->at(first + used);
  }

  [[nodiscard]] std::uint16_t moved(std::uint16_t node_port) {
    if (node_port == 0) return 0;
    const auto used = static_cast<std::uint32_t>(node_ports_.size());
    const auto [place, fresh] = node_ports_.try_emplace(node_port, std::uint16_t{0});
    if (!fresh) return place->second;
    const auto number = ranges_.node_port_first + slot_ % kNodePortSlots * kNodePorts + used;
    if (used >= kNodePorts || number > ranges_.node_port_last) lacking_ = "there is no room for its node ports";
    return place->second = static_cast<std::uint16_t>(number);
  }

  const ServiceRanges& ranges_;
  std::string id_;
  std::uint32_t slot_;
  Moved cluster_ips_;
  Moved external_ips_;
  Moved load_balancers_;
  std::map<std::uint16_t, std::uint16_t> node_ports_;
  std::string lacking_;
};

}  // namespace

Result<world::World> place(const world::World& world, const Topology& topology, const std::string& id,
                           std::uint32_t slot) {
  return Placer(topology, id, slot).run(world);
}

std::string placed_key(const std::string& key, const std::string& id) {
  return fmt::format("{}/{}-{}", kNamespace, id, tail(key.substr(key.find('/') + 1)));
}

}  // namespace conntruth::worlds
