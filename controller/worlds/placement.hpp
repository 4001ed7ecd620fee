#pragma once
// Where a world stands among others: names, cluster IPs, node ports and outside addresses of its own, so that many
// stand side by side. Whatever was the same number or address in it is the same afterwards (two protocols at one node
// port, two Services at one external IP).
//
// Slots: cluster IPs repeat after 8000 of them, node ports after 225, outside addresses after 60: worlds that stand at
// the same time must be nearer to each other than 60. kResource where a world needs more than a slot has. Threading:
// pure function.

#include <cstdint>
#include <string>

#include "common/model/topology.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth::worlds {

inline constexpr std::uint32_t kSlotsAtOnce = 50;

// Services become "conntruth-worlds/ID-a", ... `id` has at least two letters and no dash.
[[nodiscard]] Result<world::World> place(const world::World& world, const Topology& topology, const std::string& id,
                                         std::uint32_t slot);
// What a Service of the world with that key, "namespace/name", is called where the world has another id.
[[nodiscard]] std::string placed_key(const std::string& key, const std::string& id);

}  // namespace conntruth::worlds
