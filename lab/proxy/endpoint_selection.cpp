#include "lab/proxy/endpoint_selection.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace conntruth::lab_proxy {
namespace {

using Targets = std::vector<SocketAddress>;

template <typename Predicate>
std::vector<const Backend*> keep(const std::vector<const Backend*>& from, Predicate predicate) {
  std::vector<const Backend*> kept;
  std::ranges::copy_if(from, std::back_inserter(kept), predicate);
  return kept;
}

Targets targets_of(const std::vector<const Backend*>& backends) {
  Targets targets;
  for (const auto* each : backends) targets.push_back(each->target);
  std::ranges::sort(targets);
  const auto tail = std::ranges::unique(targets);
  targets.erase(tail.begin(), tail.end());
  return targets;
}

bool takes_over(const Backend* backend) { return !backend->ready && backend->serving && backend->terminating; }

// The ready endpoints whose hints name `wanted`, or nothing where the hints may not be used.
std::vector<const Backend*> hinted(const std::vector<const Backend*>& ready, std::vector<std::string> Backend::* hints,
                                   const std::string& wanted) {
  if (std::ranges::any_of(ready, [&](const Backend* each) { return (each->*hints).empty(); })) return {};
  return keep(ready,
              [&](const Backend* each) { return std::ranges::find(each->*hints, wanted) != (each->*hints).end(); });
}

std::vector<const Backend*> near(const std::vector<const Backend*>& ready, const Place& place) {
  auto chosen = hinted(ready, &Backend::node_hints, place.node);
  if (chosen.empty() && place.zone) chosen = hinted(ready, &Backend::zone_hints, *place.zone);
  return chosen.empty() ? ready : chosen;
}

Backend to_backend(const world::Endpoint& endpoint, std::uint16_t port, std::string_view node) {
  return {.target = {endpoint.addresses.front(), port},
          .ready = endpoint.is_ready(),
          .serving = endpoint.is_serving(),
          .terminating = endpoint.is_terminating(),
          .local = !endpoint.node_name.empty() && endpoint.node_name == node,
          .zone_hints = endpoint.zone_hints.value_or(std::vector<std::string>{}),
          .node_hints = endpoint.node_hints.value_or(std::vector<std::string>{})};
}

auto rank(const Backend& backend) { return std::tuple(backend.ready, backend.serving, backend.local); }

}  // namespace

SliceIndex::SliceIndex(const world::World& world) {
  for (const auto& slice : world.slices) {
    // kube-proxy asks for slices without it (cmd/kube-proxy/app/server.go); a headless Service's are nobody's to serve.
    if (slice.labels.contains(std::string(world::kHeadlessLabel))) continue;
    slices_[slice.service_key()].push_back(&slice);
  }
}

std::vector<Backend> SliceIndex::backends(const world::Service& service, const world::ServicePort& port, Family family,
                                          std::string_view node) const {
  std::map<SocketAddress, Backend> found;
  const auto slices = slices_.find(service.key());
  if (slices == slices_.end()) return {};
  for (const auto* slice : slices->second) {
    if (slice->family != family) continue;
    for (const auto& published : slice->ports) {
      if (published.name != port.name || published.protocol != port.protocol || published.port == 0) continue;
      for (const auto& endpoint : slice->endpoints) {
        if (endpoint.addresses.empty() || endpoint.addresses.front().family() != family) continue;
        auto backend = to_backend(endpoint, published.port, node);
        const auto [place, fresh] = found.try_emplace(backend.target, backend);
        if (!fresh && rank(backend) > rank(place->second)) place->second = std::move(backend);
      }
    }
  }
  std::vector<Backend> backends;
  backends.reserve(found.size());
  for (auto& [target, backend] : found) backends.push_back(std::move(backend));
  return backends;
}

Selection select(const std::vector<Backend>& backends, const Place& place) {
  std::vector<const Backend*> all;
  all.reserve(backends.size());
  for (const auto& each : backends) all.push_back(&each);
  const auto is_ready = [](const Backend* each) { return each->ready; };
  const auto is_local = [](const Backend* each) { return each->local; };

  const auto ready = keep(all, is_ready);
  const auto leaving = keep(all, takes_over);
  const auto ready_here = keep(ready, is_local);
  return {.cluster = targets_of(ready.empty() ? leaving : near(ready, place)),
          .local = targets_of(ready_here.empty() ? keep(leaving, is_local) : ready_here),
          .current = targets_of(keep(all, [](const Backend* each) { return each->ready || each->serving; }))};
}

}  // namespace conntruth::lab_proxy
