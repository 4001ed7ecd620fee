#pragma once
// The endpoints of one Service copy and the slices that list them. Internal to the room.

#include <vector>

#include "controller/plan/scenario_world.hpp"

namespace conntruth::plan {

struct Endpoints {
  std::vector<PlannedEndpoint> endpoints;
  std::vector<world::EndpointSlice> slices;
};

[[nodiscard]] Result<Endpoints> endpoints_of(const catalogue::Scenario& scenario, const catalogue::ServiceSpec& spec,
                                             const ServiceCopy& copy, const Topology& topology, const Places& places,
                                             Allocation& allocation);

}  // namespace conntruth::plan
