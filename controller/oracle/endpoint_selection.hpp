#pragma once
// Which endpoints are usable for one Service port, in one family, on one node. The cluster set and the local set are
// chosen independently of each other.
// Sources: KEP-1669 (terminating), KEP-2086 (Local), KEP-2433, KEP-3015 and KEP-4444 (hints), KEP-752 (slices).
// Threading: pure functions.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/model/expectation.hpp"
#include "common/world/world.hpp"

namespace conntruth::oracle {

// An endpoint as one Service port sees it. `usable` conditions are resolved: absent ones have their meaning.
struct Candidate {
  SocketAddress address;
  std::string node;  // "" where unknown: local to no node
  bool ready = false;
  bool serving = false;
  bool draining = false;       // not ready, terminating and still serving
  bool leaving = false;        // terminating, published as ready
  bool contradictory = false;  // two slices say different things of it
  std::vector<std::string> node_hints;
  std::vector<std::string> zone_hints;
};

struct Selection {
  std::vector<SocketAddress> endpoints;  // sorted
  std::vector<Rule> rules;               // in the order of application
};

// Matches slice ports by name and protocol; one address and port in several slices is one endpoint, and is ready if any
// slice says so. Slices that carry the headless label are not read. Sorted by address.
[[nodiscard]] std::vector<Candidate> candidates_of(const world::World& world, const world::Service& service,
                                                   const world::ServicePort& port, Family family);

// Why nothing can be asserted where slices contradict each other.
[[nodiscard]] std::optional<Rule> why_contradictory(std::span<const Candidate> candidates);

[[nodiscard]] bool any_usable(std::span<const Candidate> candidates);

// Policy Cluster: ready ones, narrowed by hints; else draining ones, regardless of hints.
[[nodiscard]] Selection cluster_set(std::span<const Candidate> candidates, const world::Node& node);

// Policy Local: ready ones on the node; else draining ones on the node. Hints play no part.
[[nodiscard]] Selection local_set(std::span<const Candidate> candidates, const world::Node& node);

// "10.244.1.10:8080 and 10.244.2.10:8080", for rule texts; long lists are cut with a count.
[[nodiscard]] std::string enumerate(std::span<const SocketAddress> endpoints);

}  // namespace conntruth::oracle
