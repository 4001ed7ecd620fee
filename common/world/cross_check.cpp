#include "common/world/cross_check.hpp"

#include <fmt/core.h>

#include <map>
#include <set>
#include <string>
#include <utility>

namespace conntruth::world {
namespace {

template <typename Objects, typename Name>
void check_names(const Objects& objects, const std::vector<std::uint32_t>& lines, Name name, Mistakes& mistakes) {
  std::map<std::string, std::uint32_t> seen;
  for (std::size_t index = 0; index < objects.size(); ++index) {
    const auto [first, fresh] = seen.try_emplace(name(objects[index]), lines[index]);
    if (fresh) continue;
    mistakes.add_at(lines[index], first->first, fmt::format("stands twice, first at line {}", first->second));
  }
}

void check_service_clashes(const World& world, const ObjectLines& lines, Mistakes& mistakes) {
  std::map<std::pair<std::uint16_t, Protocol>, std::string> node_ports;
  std::map<IpAddress, std::string> cluster_ips;
  for (std::size_t index = 0; index < world.services.size(); ++index) {
    const auto& service = world.services[index];
    const auto clash = [&](std::string_view what, const std::string& owner) {
      mistakes.add_at(lines.services[index], "service " + service.key(),
                      fmt::format("{} is already taken by service {}", what, owner));
    };
    for (const auto& port : service.ports) {
      if (port.node_port == 0) continue;
      const auto [taken, fresh] = node_ports.try_emplace({port.node_port, port.protocol}, service.key());
      if (!fresh) clash(fmt::format("nodePort {}/{}", port.node_port, to_string(port.protocol)), taken->second);
    }
    for (const auto& address : service.cluster_ips) {
      const auto [taken, fresh] = cluster_ips.try_emplace(address, service.key());
      if (!fresh) clash("cluster IP " + address.to_string(), taken->second);
    }
  }
}

void check_node_names(const World& world, const ObjectLines& lines, Mistakes& mistakes) {
  if (world.nodes.empty()) return;
  std::set<std::string_view> names;
  for (const auto& node : world.nodes) names.insert(node.name);
  for (std::size_t index = 0; index < world.slices.size(); ++index) {
    const auto& slice = world.slices[index];
    for (const auto& endpoint : slice.endpoints) {
      if (endpoint.node_name.empty() || names.contains(endpoint.node_name)) continue;
      mistakes.add_at(
          lines.slices[index], fmt::format("endpointslice {}/{}", slice.namespace_name, slice.name),
          fmt::format("endpoint {} is on node \"{}\", which is not in the world",
                      endpoint.addresses.empty() ? "?" : endpoint.addresses.front().to_string(), endpoint.node_name));
    }
  }
}

}  // namespace

void cross_check(const World& world, const ObjectLines& lines, Mistakes& mistakes) {
  check_names(world.nodes, lines.nodes, [](const Node& node) { return "node " + node.name; }, mistakes);
  check_names(
      world.services, lines.services, [](const Service& service) { return "service " + service.key(); }, mistakes);
  check_names(
      world.slices, lines.slices,
      [](const EndpointSlice& slice) { return fmt::format("endpointslice {}/{}", slice.namespace_name, slice.name); },
      mistakes);
  check_service_clashes(world, lines, mistakes);
  check_node_names(world, lines, mistakes);
}

}  // namespace conntruth::world
