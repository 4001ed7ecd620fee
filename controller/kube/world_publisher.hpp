#pragma once
// Worlds one after the other, each in an order that lets a single change tell for all of it.
//
// Proxies watch Services and EndpointSlices apart from each other, each in the order of writing. Who has seen the last
// Service change in both kinds has seen all the rest, so the last one is written when everything else has been.
// Errors: those of ClusterWorld. Threading: one thread.

#include <cstdint>
#include <functional>

#include "controller/kube/world_writer.hpp"

namespace conntruth::kube {

class WorldPublisher {
 public:
  explicit WorldPublisher(ClusterWorld cluster) : cluster_(std::move(cluster)) {}

  // CLOCK_MONOTONIC in ns just before the last Service was written. `before_last` runs then, and its error ends it.
  [[nodiscard]] Result<std::int64_t> publish(const world::World& world,
                                             const std::function<Status()>& before_last = {});
  // ClusterWorld::sweep().
  [[nodiscard]] Status sweep();
  [[nodiscard]] const ClusterWorld& cluster() const { return cluster_; }

 private:
  ClusterWorld cluster_;
  world::World last_;
};

}  // namespace conntruth::kube
