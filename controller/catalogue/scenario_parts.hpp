#pragma once
// The parts of a scenario file. Internal to the room. Mistakes go to the fields' Mistakes.

#include "common/world/fields.hpp"
#include "controller/catalogue/scenario.hpp"

namespace conntruth::catalogue {

// What stands in `field` over what the Service was at the step before.
void merge_service(const world::Field& field, ServiceSpec& service);
[[nodiscard]] EndpointSpec read_endpoint(const world::Field& field);
[[nodiscard]] ProbeSpec read_probe(const world::Field& field);
[[nodiscard]] NodeSpec read_node(const world::Field& field);

// What only the whole scenario shows: names of Services and ports, entries that nothing has.
void check_probe(const world::Field& field, const ProbeSpec& probe, const Scenario& scenario);

}  // namespace conntruth::catalogue
