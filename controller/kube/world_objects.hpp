#pragma once
// Objects of a World as the API takes them, and what it made of them. Internal to the room.
//
// The API refuses fields that a type does not have (externalTrafficPolicy of an internal Service, nodePort of a
// ClusterIP) even where they say nothing; they are left out. Source: ValidateService in k8s.io/kubernetes
// pkg/apis/core/validation, ValidateEndpointSlice in pkg/apis/discovery/validation. Threading: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth::kube {

// What is sent: our labels added, the load balancer class filled in, fields of other types taken away.
[[nodiscard]] world::Service wanted(const world::Service& service, std::string_view load_balancer_class);
[[nodiscard]] world::EndpointSlice wanted(const world::EndpointSlice& slice);

[[nodiscard]] std::string body_of(const world::Service& service);  // of wanted()
[[nodiscard]] std::string body_of(const world::EndpointSlice& slice);
[[nodiscard]] std::string status_body(const std::vector<world::LoadBalancerIngress>& ingress);  // a merge patch
[[nodiscard]] std::string namespace_body(std::string_view name);

// True where an object cannot be changed into another one in place.
[[nodiscard]] bool needs_recreation(const world::Service& before, const world::Service& after);
[[nodiscard]] bool needs_recreation(const world::EndpointSlice& before, const world::EndpointSlice& after);

// Fields in which `kept`, read back from the server, is not as wanted. What the World leaves to the server differs
// nowhere.
[[nodiscard]] std::vector<std::string> differences(const world::Service& want, const world::Service& kept);
[[nodiscard]] std::vector<std::string> differences(const world::EndpointSlice& want, const world::EndpointSlice& kept);
// True where the server kept node ports that the World does not have: only a new Service is without them.
[[nodiscard]] bool has_surplus_node_ports(const world::Service& want, const world::Service& kept);

}  // namespace conntruth::kube
