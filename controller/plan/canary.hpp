#pragma once
// The canary: a UDP Service whose only endpoint is another one at each stage, so that its answer tells which world a
// node's dataplane has. Internal to the room. Threading: values.

#include "controller/plan/stage_builder.hpp"

namespace conntruth::plan {

class Canary {
 public:
  [[nodiscard]] static Result<Canary> make(const Topology& topology, const Places& places, Allocation& allocation);
  // Puts the canary of that stage into the stage's world and its follow tasks and cells into the stage.
  [[nodiscard]] Status add(std::size_t stage_index, Stage& stage, Workshop& workshop, StageBuilder& builder) const;

 private:
  Canary(const Topology& topology, const Place& place) : topology_(&topology), place_(&place) {}
  void add_objects(world::World& world, std::uint16_t port) const;

  const Topology* topology_;
  const Place* place_;  // where it answers
  std::vector<IpAddress> cluster_ips_;
};

}  // namespace conntruth::plan
