#include "controller/oracle/endpoint_selection.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "controller/oracle/membership.hpp"
#include "controller/oracle/rules.hpp"

namespace conntruth::oracle {
namespace {

using Members = std::vector<Candidate>;

template <typename Keep>
Members keep_if(std::span<const Candidate> candidates, Keep keep) {
  Members kept;
  std::ranges::copy_if(candidates, std::back_inserter(kept), keep);
  return kept;
}

std::vector<SocketAddress> addresses(std::span<const Candidate> candidates) {
  std::vector<SocketAddress> result;
  std::ranges::transform(candidates, std::back_inserter(result), &Candidate::address);
  return result;
}

bool is_read(const world::EndpointSlice& slice, const world::Service& service, Family family) {
  return slice.family == family && slice.service_key() == service.key() &&
         !slice.labels.contains(std::string(world::kHeadlessLabel));
}

Candidate candidate(const world::Endpoint& endpoint, std::uint16_t port) {
  const bool draining = !endpoint.is_ready() && endpoint.is_terminating() && endpoint.is_serving();
  return {{endpoint.addresses.front(), port},
          endpoint.node_name,
          endpoint.is_ready(),
          endpoint.is_serving(),
          draining,
          endpoint.is_ready() && endpoint.is_terminating(),
          false,
          endpoint.node_hints.value_or(std::vector<std::string>{}),
          endpoint.zone_hints.value_or(std::vector<std::string>{})};
}

bool says_the_same(const Candidate& one, const Candidate& other) {
  const auto said = [](const Candidate& each) {
    return std::tie(each.node, each.ready, each.serving, each.draining, each.leaving, each.node_hints, each.zone_hints);
  };
  return said(one) == said(other);
}

// An endpoint may stand in two slices while it moves between them.
void merge(std::map<SocketAddress, Candidate>& found, Candidate next) {
  const auto [place, is_new] = found.try_emplace(next.address, next);
  if (is_new) return;
  auto& known = place->second;
  next.contradictory = known.contradictory || !says_the_same(known, next);
  known.contradictory = next.contradictory;
  if (known.ready) return;
  if (next.ready || (next.draining && !known.draining)) known = std::move(next);
}

// One kind of hint over the ready endpoints.
struct HintView {
  std::vector<std::string> Candidate::* hints;
  std::string_view kind;  // "node", "zone"
  std::string wanted;     // the node's name or zone; "" where it has none
  RuleId rule;
};

bool names_wanted(const HintView& view, const Candidate& candidate) {
  return contains(candidate.*view.hints, view.wanted);
}

// Applies one kind of hint. Returns true where it narrowed the choice.
bool narrow(Members& ready, const HintView& view, std::vector<Rule>& rules) {
  const auto hinted = std::ranges::count_if(ready, [&](const Candidate& each) { return !(each.*view.hints).empty(); });
  if (hinted == 0) return false;
  if (hinted != std::ssize(ready)) {
    rules.push_back(applied(
        RuleId::kHintsIncomplete,
        fmt::format("only {} of {} ready endpoints have {} hints, so none counts", hinted, ready.size(), view.kind)));
    return false;
  }
  Members kept = keep_if(ready, [&](const Candidate& each) { return names_wanted(view, each); });
  if (kept.empty()) {
    rules.push_back(applied(RuleId::kHintsElsewhere,
                            view.wanted.empty()
                                ? fmt::format("the node has no {}, so {} hints do not count", view.kind, view.kind)
                                : fmt::format("no {} hint names {}", view.kind, view.wanted)));
    return false;
  }
  rules.push_back(
      applied(view.rule, fmt::format("all {} ready endpoints have {} hints and {} name {}: {}", ready.size(), view.kind,
                                     kept.size(), view.wanted, enumerate(addresses(kept)))));
  ready = std::move(kept);
  return true;
}

std::string counted(std::size_t count, std::size_t total) { return fmt::format("{} of {} endpoints", count, total); }

}  // namespace

std::vector<Candidate> candidates_of(const world::World& world, const world::Service& service,
                                     const world::ServicePort& port, Family family) {
  std::map<SocketAddress, Candidate> found;
  for (const world::EndpointSlice& slice : world.slices) {
    if (!is_read(slice, service, family)) continue;
    for (const world::EndpointPort& slice_port : slice.ports) {
      if (slice_port.name != port.name || slice_port.protocol != port.protocol || slice_port.port == 0) continue;
      for (const world::Endpoint& endpoint : slice.endpoints) {
        if (endpoint.addresses.empty() || endpoint.addresses.front().family() != family) continue;
        merge(found, candidate(endpoint, slice_port.port));
      }
    }
  }
  Members result;
  for (auto& [address, each] : found) result.push_back(std::move(each));
  return result;
}

std::optional<Rule> why_contradictory(std::span<const Candidate> candidates) {
  const auto found = std::ranges::find_if(candidates, &Candidate::contradictory);
  if (found == candidates.end()) return std::nullopt;
  return applied(RuleId::kEndpointContradictory,
                 fmt::format("two slices say different things of {}: not scored", found->address.to_string()));
}

bool any_usable(std::span<const Candidate> candidates) {
  return std::ranges::any_of(candidates, [](const Candidate& each) { return each.ready || each.draining; });
}

Selection cluster_set(std::span<const Candidate> candidates, const world::Node& node) {
  Selection selection;
  Members ready = keep_if(candidates, [](const Candidate& each) { return each.ready; });
  if (!ready.empty()) {
    selection.rules.push_back(applied(
        RuleId::kReadyEndpoints,
        fmt::format("{} are ready: {}", counted(ready.size(), candidates.size()), enumerate(addresses(ready)))));
    const HintView by_node{&Candidate::node_hints, "node", node.name, RuleId::kHintsNode};
    const HintView by_zone{&Candidate::zone_hints, "zone", node.zone().value_or(""), RuleId::kHintsZone};
    if (!narrow(ready, by_node, selection.rules)) narrow(ready, by_zone, selection.rules);
    selection.endpoints = addresses(ready);
    return selection;
  }
  selection.endpoints = addresses(keep_if(candidates, [](const Candidate& each) { return each.draining; }));
  if (!selection.endpoints.empty()) {
    selection.rules.push_back(applied(RuleId::kTerminatingFallback,
                                      fmt::format("no endpoint is ready, {} are terminating and still serving: {}",
                                                  selection.endpoints.size(), enumerate(selection.endpoints))));
  }
  return selection;
}

Selection local_set(std::span<const Candidate> candidates, const world::Node& node) {
  Selection selection;
  const bool hinted = std::ranges::any_of(
      candidates, [](const Candidate& each) { return !each.node_hints.empty() || !each.zone_hints.empty(); });
  if (hinted) {
    selection.rules.push_back(
        applied(RuleId::kLocalOverridesHints, "endpoints carry hints, but the policy is Local, so none counts"));
  }
  const Members local = keep_if(candidates, [&](const Candidate& each) { return each.node == node.name; });
  selection.endpoints = addresses(keep_if(local, [](const Candidate& each) { return each.ready; }));
  if (!selection.endpoints.empty()) {
    selection.rules.push_back(
        applied(RuleId::kLocalReadyEndpoints,
                fmt::format("{} are ready on {}: {}", counted(selection.endpoints.size(), candidates.size()), node.name,
                            enumerate(selection.endpoints))));
    return selection;
  }
  selection.endpoints = addresses(keep_if(local, [](const Candidate& each) { return each.draining; }));
  if (!selection.endpoints.empty()) {
    selection.rules.push_back(
        applied(RuleId::kLocalTerminatingFallback,
                fmt::format("none is ready on {}, {} there are terminating and still serving: {}", node.name,
                            selection.endpoints.size(), enumerate(selection.endpoints))));
  }
  return selection;
}

std::string enumerate(std::span<const SocketAddress> endpoints) {
  constexpr std::size_t kShown = 6;
  std::string text;
  const std::size_t shown = std::min(endpoints.size(), kShown);
  for (std::size_t index = 0; index < shown; ++index) {
    if (index > 0) text += index + 1 == endpoints.size() ? " and " : ", ";
    text += endpoints[index].to_string();
  }
  if (endpoints.size() > shown) text += fmt::format(" and {} more", endpoints.size() - shown);
  return text;
}

}  // namespace conntruth::oracle
