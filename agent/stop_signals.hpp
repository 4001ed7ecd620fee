#pragma once
// SIGTERM and SIGINT as a function call on a thread of ours, so that the program ends in order.

#include <functional>
#include <thread>

#include "agent/io/fd.hpp"
#include "common/result.hpp"

namespace conntruth::agent {

// Make it before any other thread: the signals are blocked for all threads that come after it. `on_signal` is called at
// most once. When the object goes, its thread has ended.
class StopSignals {
 public:
  [[nodiscard]] static Result<StopSignals> watch(std::function<void()> on_signal);
  StopSignals(StopSignals&&) noexcept = default;
  StopSignals& operator=(StopSignals&&) = delete;
  ~StopSignals();

 private:
  StopSignals(io::Fd wake, std::thread thread) : wake_(std::move(wake)), thread_(std::move(thread)) {}
  io::Fd wake_;
  std::thread thread_;
};

}  // namespace conntruth::agent
