#include "controller/plan/origins.hpp"

#include <fmt/core.h>

#include <numeric>

namespace conntruth::plan {
namespace {

using catalogue::Client;
using catalogue::ProbeSpec;

std::vector<unsigned> all_of(const std::vector<Place>& pods) {
  std::vector<unsigned> indices(pods.size());
  std::iota(indices.begin(), indices.end(), 0U);
  return indices;
}

void add_pods(const ProbeSpec& probe, std::size_t node, const Places& places, Origins& into) {
  const auto& pods = places.pods(node);
  for (const auto pod : probe.pods.value_or(all_of(pods))) {
    if (pod < pods.size()) {
      into.origins.push_back(places.origin(pods[pod]));
    } else {
      const auto& label = places.node(node).label;
      into.missing.push_back({fmt::format("{}-pod-{}", label, pod), fmt::format("{} has no pod {}", label, pod)});
    }
  }
}

void add_external(std::size_t node, const Places& places, Origins& into) {
  for (const auto& origin : places.external()) {
    if (origin.node_index == node) into.origins.push_back(origin);
  }
}

void add(Client client, const std::vector<std::size_t>& nodes, const ProbeSpec& probe, const ServiceCopy& copy,
         const Places& places, Origins& into) {
  if (client == Client::kEndpoint) {
    for (const auto& endpoint : copy.endpoints) into.origins.push_back(places.origin(*endpoint.place));
    return;
  }
  if (client == Client::kExternal && places.external().empty()) {
    into.missing.push_back({"external", "the topology has no external client"});
    return;
  }
  for (const auto node : nodes) {
    if (client == Client::kNode) into.origins.push_back(places.origin(places.node(node)));
    if (client == Client::kExternal) add_external(node, places, into);
    if (client == Client::kPod) add_pods(probe, node, places, into);
  }
}

}  // namespace

Result<Origins> origins_of(const ProbeSpec& probe, const ServiceCopy& copy, const Places& places) {
  const auto nodes = catalogue::resolve(probe.clients, places.nodes(), copy.own);
  if (!nodes) return std::unexpected(nodes.error());
  Origins result;
  for (const auto client : probe.from) add(client, *nodes, probe, copy, places, result);
  return result;
}

}  // namespace conntruth::plan
