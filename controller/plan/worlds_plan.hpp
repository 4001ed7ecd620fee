#pragma once
// A plan for many worlds: several stand side by side in one stage, each with Services, addresses and ports of its own,
// and of each a sample of flows is probed. The canary tells, as everywhere, when a stage has been followed.
// Errors: kInvalidInput for a world that does not fit the topology or another world of its stage. Threading: pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/plan/planner.hpp"

namespace conntruth::plan {

// One flow of a world whatever addresses and names its Services have there. An unspecified field of a flow is empty.
struct FlowKey {
  std::string vantage;  // Vantage::name()
  EntryKind kind = EntryKind::kClusterIp;
  std::string service;  // "namespace/name"
  std::string port;     // its name
  std::string node;     // of a node port
  Protocol protocol = Protocol::kTcp;
  Family family = Family::kIpv4;
  auto operator<=>(const FlowKey&) const = default;
};
[[nodiscard]] FlowKey key_of(const Flow& flow);

struct NamedWorld {
  std::string id;          // the scenario of its cells: "w17"
  std::uint64_t seed = 0;  // chooses the flows
  world::World world;      // Services and slices; nodes are the topology's
  std::optional<FlowKey> only = {};
  bool operator==(const NamedWorld&) const = default;
};

struct WorldsOptions {
  std::uint32_t per_stage = 25;
  std::uint32_t flows = 16;  // probed of each world; 0: all
};

[[nodiscard]] Result<Plan> make_worlds_plan(const Topology& topology, const std::vector<world::Node>& nodes,
                                            const std::vector<NamedWorld>& worlds, const WorldsOptions& shape,
                                            const PlanOptions& options);

}  // namespace conntruth::plan
