#pragma once
// How a run's worlds reach the proxies of a lab: by the file that the reference proxy follows, by the lab's own
// Kubernetes API, which every other proxy follows, or by both. Errors: those of the lab and of the API. Threading: the
// run's thread.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "controller/provider/environment.hpp"
#include "lab/lab.hpp"

namespace conntruth::app {

class WorldDelivery {
 public:
  WorldDelivery() = default;
  WorldDelivery(const WorldDelivery&) = delete;
  WorldDelivery& operator=(const WorldDelivery&) = delete;
  virtual ~WorldDelivery() = default;
  // As Environment has them.
  [[nodiscard]] virtual Result<std::int64_t> publish(const world::World& world) = 0;
  [[nodiscard]] virtual std::vector<Programmed> wait_programmed(std::uint64_t generation,
                                                                std::chrono::steady_clock::time_point deadline) = 0;
  [[nodiscard]] virtual Environment::Patience patience() const = 0;
  [[nodiscard]] virtual Result<world::Existing> existing() {
    return fail(ErrorCode::kUnsupported,
                "this lab has no Kubernetes API to read Services from; `conntruth lab up --kubernetes` makes one");
  }
};

[[nodiscard]] std::unique_ptr<WorldDelivery> deliver_by_file(lab::Lab lab);
// Takes over, and in the end removes, what an earlier run left in the API. `reference`: the lab, where some of its
// nodes run the reference proxy.
[[nodiscard]] Result<std::unique_ptr<WorldDelivery>> deliver_by_api(const lab::KubernetesAccess& access,
                                                                    std::optional<lab::Lab> reference);
// Whichever the lab's proxies follow.
[[nodiscard]] Result<std::unique_ptr<WorldDelivery>> delivery_for(const lab::Lab& lab);

// CLOCK_MONOTONIC in ns.
[[nodiscard]] std::int64_t monotonic_ns();

}  // namespace conntruth::app
