#pragma once
// One Kubernetes object, or a part of one, from its fields. Used by the world's reader and by the scenarios', which
// carry a Service's `spec` as it is. Mistakes go to the fields' Mistakes; the values are then of no use.
// Threading: pure functions.

#include "common/world/fields.hpp"
#include "common/world/world.hpp"

namespace conntruth::world {

[[nodiscard]] Node read_node(const Field& object);
[[nodiscard]] Service read_service(const Field& object);
// Fills what stands in `spec` into `service`; fields that are absent keep what `service` has.
void read_service_spec(const Field& spec, Service& service);
[[nodiscard]] ServicePort read_service_port(const Field& port);
// nullopt: an FQDN slice, which proxies ignore. The service-name label becomes `service_name` and leaves `labels`.
[[nodiscard]] std::optional<EndpointSlice> read_slice(const Field& object);
[[nodiscard]] Labels read_labels(const Field& map);

}  // namespace conntruth::world
