#include "controller/kube/world_publisher.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace conntruth::kube {

namespace {

// The world with its last Service as it was in `before`.
world::World without_last_change(const world::World& world, const world::World& before) {
  auto result = world;
  if (world.services.empty()) return result;
  const auto last = world.services.back();
  const auto is_last = [&](const world::Service& service) { return service.key() == last.key(); };
  const auto of_last = [&](const world::EndpointSlice& slice) {
    return slice.namespace_name == last.namespace_name && slice.service_name == last.name;
  };
  std::erase_if(result.services, is_last);
  std::erase_if(result.slices, of_last);
  std::ranges::copy_if(before.services, std::back_inserter(result.services), is_last);
  std::ranges::copy_if(before.slices, std::back_inserter(result.slices), of_last);
  return result;
}

std::int64_t monotonic_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Result<std::int64_t> WorldPublisher::publish(const world::World& world, const std::function<Status()>& before_last) {
  if (auto done = cluster_.publish(without_last_change(world, last_)); !done) return std::unexpected(done.error());
  const auto at_ns = monotonic_ns();
  if (auto done = before_last ? before_last() : Status(); !done) return std::unexpected(done.error());
  if (auto done = cluster_.publish(world); !done) return std::unexpected(done.error());
  last_ = world;
  return at_ns;
}

Status WorldPublisher::sweep() {
  last_ = {};
  return cluster_.sweep();
}

}  // namespace conntruth::kube
