#pragma once
// One step of one scenario as objects: its Services with addresses and node ports, its slices, and which place answers
// at which port. Internal to the room. Threading: values; pointers point into Places.

#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "common/world/world.hpp"
#include "controller/catalogue/scenario.hpp"
#include "controller/plan/allocation.hpp"
#include "controller/plan/places.hpp"

namespace conntruth::plan {

inline constexpr std::string_view kNamespace = "conntruth";

struct PlannedEndpoint {
  const Place* place = nullptr;
  std::vector<IpAddress> addresses;  // of the families that it has
  std::vector<world::EndpointPort> ports;
};

// A Service, or one of the copies of a Service with `each`.
struct ServiceCopy {
  std::string name;                  // in the scenario: "web"
  std::string label;                 // which copy: "node-1", "node-1-pod-0", "" for the only one
  std::optional<std::size_t> own;    // node index of the copy
  const Place* own_place = nullptr;  // the pod of an `each: pod` copy
  bool present = true;               // in the world at this step
  world::Service service;            // as it stands in the world
  // All that it has at any step of the scenario: what it lacks now is probed as well.
  std::vector<world::ServicePort> ports;
  std::vector<IpAddress> cluster_ips;
  std::vector<IpAddress> external_ips;
  std::vector<IpAddress> load_balancer_ips;
  std::uint16_t health_port = 0;  // 0: none at any step
  std::vector<PlannedEndpoint> endpoints;
};

struct ScenarioWorld {
  std::vector<ServiceCopy> copies;
  world::World world;  // the nodes, and the Services and slices of this scenario only
};

// kNotFound: the topology has not what the scenario needs; the message is a reason for the report.
[[nodiscard]] Result<ScenarioWorld> build_world(const catalogue::Scenario& scenario, const catalogue::Step& step,
                                                const Topology& topology, const std::vector<world::Node>& nodes,
                                                const Places& places, Allocation& allocation);

// In full, without the dot at the end: "web.shop.svc.cluster.local". Where the cluster has no DNS, as if it had the
// usual one.
[[nodiscard]] std::string dns_name(const world::Service& service, const ClusterDns& dns);

// Families that any node of the topology has, IPv4 first.
[[nodiscard]] std::vector<Family> families_of(const Topology& topology);

}  // namespace conntruth::plan
