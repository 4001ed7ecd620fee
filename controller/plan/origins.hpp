#pragma once
// Where the probes of one part of a scenario start. Internal to the room. Threading: values; pointers point into
// Places.

#include <string>
#include <vector>

#include "common/result.hpp"
#include "controller/catalogue/scenario.hpp"
#include "controller/plan/places.hpp"
#include "controller/plan/scenario_world.hpp"

namespace conntruth::plan {

struct Origins {
  struct Missing {
    std::string who;  // "external", "node-1-pod-3"
    std::string reason;
  };
  std::vector<Origin> origins;
  std::vector<Missing> missing;  // wanted, and not in the topology
};

// kNotFound where the topology has too few nodes for the probe's node word.
[[nodiscard]] Result<Origins> origins_of(const catalogue::ProbeSpec& probe, const ServiceCopy& copy,
                                         const Places& places);

}  // namespace conntruth::plan
