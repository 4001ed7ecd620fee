#pragma once
// A world that is given, in the words of the planner: which Services it has, where their endpoints answer, and who
// could probe what. Internal to the room. Threading: pure functions; pointers point into Places.

#include <vector>

#include "common/world/world.hpp"
#include "controller/catalogue/scenario.hpp"
#include "controller/plan/places.hpp"
#include "controller/plan/scenario_world.hpp"

namespace conntruth::plan {

// "namespace.name" is its name.
[[nodiscard]] ServiceCopy copy_of(const world::Service& service, const world::World& world, const Places& places);

// Every entry that the Service has, from everywhere; none for what nobody serves (ExternalName).
struct Vantages {
  bool external = true;       // the topology has clients outside
  bool all_pods = false;      // else the first pod of each node
  bool health_ports = false;  // health check node ports as well
};
[[nodiscard]] std::vector<catalogue::ProbeSpec> probes_of(const ServiceCopy& copy, Vantages vantages);

}  // namespace conntruth::plan
