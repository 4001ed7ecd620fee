#pragma once
// The canary: a UDP Service that has another port and another endpoint at each stage, so that its answer tells which
// world a node's dataplane has: whoever lets it through has seen both the Service and its EndpointSlice change. It is
// the world's last Service, for dataplanes that are told of changes one by one. Internal to the room. Threading:
// values.

#include "controller/plan/stage_builder.hpp"

namespace conntruth::plan {

class Canary {
 public:
  [[nodiscard]] static Result<Canary> make(const Topology& topology, const Places& places, Allocation& allocation);
  // Puts the follow tasks and cells of that stage into it.
  [[nodiscard]] Status add(std::size_t stage_index, Stage& stage, Workshop& workshop, StageBuilder& builder) const;
  // Puts the canary of that stage into its world, behind everything else.
  void publish(std::size_t stage_index, Stage& stage, const Workshop& workshop) const;

 private:
  Canary(const Topology& topology, const Place& place) : topology_(&topology), place_(&place) {}
  void add_objects(world::World& world, std::uint16_t port) const;

  const Topology* topology_;
  const Place* place_;  // where it answers
  std::vector<IpAddress> cluster_ips_;
};

}  // namespace conntruth::plan
