// The controls of a stage's cells.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "controller/plan/stage_builder.hpp"

namespace conntruth::plan {
namespace {

constexpr std::size_t kSpareNodes = 4;

void sort_unique(std::vector<std::uint32_t>& list) {
  std::ranges::sort(list);
  const auto rest = std::ranges::unique(list);
  list.erase(rest.begin(), rest.end());
}

}  // namespace

template <typename Describe>
std::uint32_t StageBuilder::control(const Origin& origin, const SocketAddress& target, Protocol protocol,
                                    Describe describe) {
  const auto next = static_cast<std::uint32_t>(stage_.controls.size());
  const ControlKey key{origin.place, origin.node_index, target.address, target.port, protocol};
  const auto [known, fresh] = control_index_.try_emplace(key, next);
  if (!fresh) return known->second;
  Control made = describe();
  made.tasks = flow_tasks(origin, target, protocol, workshop_.options.control);
  stage_.controls.push_back(std::move(made));
  return next;
}

std::uint32_t StageBuilder::path_control(const Origin& origin, const Place& place, Protocol protocol, Family family,
                                         bool positive) {
  const auto port = positive ? workshop_.control_port : workshop_.closed_port;
  return control(origin, {address_of(place.addresses, family), port}, protocol, [&]() -> Control {
    const auto responder = positive ? workshop_.responders.id(place, protocol, port) : 0;
    const auto* kind = positive ? "positive" : "negative";
    return {fmt::format("control/{}/{}>{}/{}/{}", kind, origin.label(), place.label, to_string(protocol),
                        to_string(family)),
            positive,
            responder,
            {}};
  });
}

// Another place on the same node: the node of a pod, a pod of a node.
const Place& StageBuilder::neighbour_of(const Place& place) const {
  const auto& pods = workshop_.places.pods(place.node);
  return place.name.empty() && !pods.empty() ? pods.front() : workshop_.places.node(place.node);
}

// That each endpoint answers at all, asked from its own node.
void StageBuilder::responder_controls(const Expectation& expectation, Protocol protocol,
                                      std::vector<std::uint32_t>& into) {
  for (const auto& endpoint : expectation.endpoints) {
    const auto* place = workshop_.places.find(endpoint.address);
    if (place == nullptr) continue;
    const auto origin = workshop_.places.origin(neighbour_of(*place));
    into.push_back(control(origin, endpoint, protocol, [&]() -> Control {
      return {fmt::format("control/responder/{}:{}/{}/{}", place->label, endpoint.port, to_string(protocol),
                          to_string(endpoint.address.family())),
              true,
              workshop_.responders.id(*place, protocol, endpoint.port),
              {}};
    }));
  }
}

std::vector<std::uint32_t> StageBuilder::control_places(const Draft& draft, const std::vector<const Place*>& places) {
  const auto family = draft.entry.target.address.family();
  std::vector<std::uint32_t> controls;
  // A refusal that the kernel may leave out proves nothing by its absence, and the cells do without it, too.
  const bool refusals_are_sure = !workshop_.options.icmp_limited || draft.protocol != Protocol::kUdp;
  const auto add = [&](const Place& place) {
    // A path from a place to itself proves nothing about the network; its responder's control stands for it.
    if (address_of(place.addresses, family).is_unspecified() || draft.origin.place == &place) return;
    controls.push_back(path_control(draft.origin, place, draft.protocol, family, true));
    if (refusals_are_sure) controls.push_back(path_control(draft.origin, place, draft.protocol, family, false));
  };
  if (draft.origin.kind == VantageKind::kExternal) {
    // Pod addresses need not be reachable from outside; the node where the traffic enters is.
    add(workshop_.places.node(draft.origin.node_index));
  } else {
    for (const auto* place : places) add(*place);
    if (controls.empty()) add(neighbour_of(*draft.origin.place));
  }
  return controls;
}

// For cells without any endpoint: a pod of the client's node and of a few nodes after it.
std::vector<const Place*> StageBuilder::spare_places(const Origin& origin) const {
  std::vector<const Place*> places;
  const auto nodes = workshop_.places.nodes();
  for (std::size_t step = 0; step < std::min(nodes, kSpareNodes); ++step) {
    const auto node = (origin.node_index + step) % nodes;
    const auto& pods = workshop_.places.pods(node);
    places.push_back(pods.empty() ? &workshop_.places.node(node) : &pods.front());
  }
  return places;
}

std::uint32_t StageBuilder::name_control(const Draft& draft) {
  world::Service kubernetes;
  kubernetes.namespace_name = "default";
  kubernetes.name = "kubernetes";
  const auto next = static_cast<std::uint32_t>(stage_.controls.size());
  const auto& target = draft.entry.target;
  const ControlKey key{draft.origin.place, draft.origin.node_index, target.address, target.port, Protocol::kUdp};
  const auto [known, fresh] = control_index_.try_emplace(key, next);
  if (!fresh) return known->second;
  Control made{fmt::format("control/name/{}>{}", draft.origin.label(), target.to_string()), true, 0, {}};
  made.tasks = {add_task(draft.origin, target, Method::kDnsLookup, workshop_.options.lookups, stage_.tasks)};
  stage_.tasks.back().task.name = dns_name(kubernetes, workshop_.dns);
  stage_.tasks.back().task.timeout *= kServerPatience;
  stage_.controls.push_back(std::move(made));
  return next;
}

std::vector<std::uint32_t> StageBuilder::controls_for(const Draft& draft, const Expectation& expectation) {
  if (draft.entry.kind == EntryKind::kName) return {name_control(draft)};
  std::vector<const Place*> places;
  for (const auto& endpoint : expectation.endpoints) {
    if (const auto* place = workshop_.places.find(endpoint.address)) places.push_back(place);
  }
  if (places.empty()) places = draft.endpoints;
  if (places.empty()) places = spare_places(draft.origin);
  auto controls = control_places(draft, places);
  responder_controls(expectation, draft.protocol, controls);
  sort_unique(controls);
  return controls;
}

}  // namespace conntruth::plan
