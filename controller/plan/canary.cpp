#include "controller/plan/canary.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace conntruth::plan {
namespace {

constexpr std::string_view kName = "canary";

// Of the Service and of its endpoint; also another one than in the world that a run before this one has left behind.
std::uint16_t port_at(std::size_t stage_index, const Workshop& workshop) {
  const auto turn = (workshop.options.fixed_port_offset + stage_index) % kCanaryPorts;
  return static_cast<std::uint16_t>(kFirstCanaryPort + turn);
}

world::Service service_of(const std::vector<IpAddress>& cluster_ips, std::uint16_t port) {
  world::Service service;
  service.namespace_name = kNamespace;
  service.name = kName;
  service.cluster_ips = cluster_ips;
  service.ports = {{"echo", Protocol::kUdp, port, std::uint16_t{0}, 0}};
  return service;
}

}  // namespace

Result<Canary> Canary::make(const Topology& topology, const Places& places, Allocation& allocation) {
  const auto& pods = places.pods(0);
  Canary canary(topology, pods.empty() ? places.node(0) : pods.front());
  for (const auto& address : canary.place_->addresses) {
    const auto cluster_ip = allocation.address(Range::kCluster, address.family(), std::string(kName));
    if (!cluster_ip) return std::unexpected(cluster_ip.error());
    canary.cluster_ips_.push_back(*cluster_ip);
  }
  return canary;
}

void Canary::add_objects(world::World& world, std::uint16_t port) const {
  world.services.push_back(service_of(cluster_ips_, port));
  for (const auto& address : place_->addresses) {
    world::EndpointSlice slice;
    slice.namespace_name = kNamespace;
    slice.name = fmt::format("{}-{}", kName, to_string(address.family()));
    slice.service_name = kName;
    slice.family = address.family();
    slice.ports = {{"echo", Protocol::kUdp, port}};
    auto& endpoint = slice.endpoints.emplace_back();
    endpoint.addresses = {address};
    endpoint.ready = true;
    endpoint.node_name = topology_->nodes[place_->node].name;
    endpoint.zone = topology_->nodes[place_->node].zone;
    endpoint.target_name = place_->label;
    world.slices.push_back(std::move(slice));
  }
}

void Canary::publish(std::size_t stage_index, Stage& stage, const Workshop& workshop) const {
  add_objects(stage.world, port_at(stage_index, workshop));
}

Status Canary::add(std::size_t stage_index, Stage& stage, Workshop& workshop, StageBuilder& builder) const {
  const auto port = port_at(stage_index, workshop);
  world::World small;
  small.nodes = stage.world.nodes;
  add_objects(small, port);
  const auto responder = workshop.responders.id(*place_, Protocol::kUdp, port);
  for (std::size_t node = 0; node < workshop.places.nodes(); ++node) {
    for (const auto& address : cluster_ips_) {
      const auto family = address.family();
      if (!workshop.options.families.empty() &&
          std::ranges::find(workshop.options.families, family) == workshop.options.families.end()) {
        continue;
      }
      const auto origin = workshop.places.origin(workshop.places.node(node));
      if (address_of(origin.sources, family).is_unspecified()) continue;
      Draft draft;
      draft.scenario = "follow";
      draft.step = fmt::format("stage-{}", stage_index + 1);
      draft.table = "follow";
      draft.column = "follow";
      draft.target = "canary";
      draft.origin = origin;
      draft.entry = {EntryKind::kClusterIp, fmt::format("{}/{}", kNamespace, kName), "echo", "", {address, port}};
      draft.protocol = Protocol::kUdp;
      draft.endpoints = {place_};
      if (auto status = builder.add_follow(draft, small, responder); !status) return status;
    }
  }
  return {};
}

}  // namespace conntruth::plan
