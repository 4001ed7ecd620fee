#pragma once
// Makes a random world: one to three Services of any type with ports, policies, families, affinity, source ranges and
// external addresses, and slices with endpoints in every state, with and without hints. Everything is inside what the
// API server accepts (validation of k8s.io/kubernetes pkg/apis/core and pkg/apis/discovery). The same topology, seed
// and number give the same world on every machine. Not varied: Nodes, which are the cluster's, and what
// docs/findings/0005 names as not decided. Threading: pure function.

#include <cstdint>

#include "common/model/topology.hpp"
#include "common/world/world.hpp"

namespace conntruth::worlds {

// Endpoints answer at these ports of their pod or node, so that all worlds share responders.
inline constexpr std::uint16_t kFirstEndpointPort = 5000;
inline constexpr std::uint16_t kEndpointPorts = 16;

// What 64 bits stand for the `number`-th world of a run with that seed; also chooses the flows to probe.
[[nodiscard]] std::uint64_t world_seed(std::uint64_t seed, std::uint64_t number);

// Names, addresses and node ports in it are those of slot 0: place() gives it others.
[[nodiscard]] world::World generate(const Topology& topology, std::uint64_t seed, std::uint64_t number);

}  // namespace conntruth::worlds
