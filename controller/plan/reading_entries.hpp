#pragma once
// What of an existing Service can be probed, and where. Internal to the room. Threading: pure functions; pointers point
// into the world and Places.

#include <optional>
#include <string>
#include <vector>

#include "common/world/world.hpp"
#include "controller/plan/places.hpp"
#include "controller/plan/plan.hpp"
#include "controller/plan/planner.hpp"

namespace conntruth::plan {

struct ReadingEntry {
  Entry entry;
  std::string column;
  std::string target;               // part of the cell's id: "nodePort:web:http@node-2"
  std::optional<std::size_t> node;  // whose node port it is
};

struct ReadingEntries {
  std::vector<ReadingEntry> entries;
  std::vector<std::string> not_run;  // why some of it, or all, is not probed
};

// "" where a service proxy or its headless endpoints can be probed at all.
[[nodiscard]] std::string why_not_at_all(const world::Service& service);
[[nodiscard]] ReadingEntries entries_of(const world::World& world, const world::Service& service,
                                        const world::ServicePort& port, const Places& places);

// What people call an endpoint: its pod, a place of the topology, or its address.
[[nodiscard]] std::string name_of(const world::Endpoint& endpoint, const Places& places);

}  // namespace conntruth::plan
