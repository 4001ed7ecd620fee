#pragma once
// The one place where the agent reads time. Logic takes nanoseconds as a parameter; only loops own a Clock.

#include <cstdint>

namespace conntruth::io {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::int64_t now_ns() const = 0;
};

class MonotonicClock final : public Clock {  // CLOCK_MONOTONIC; shared by all namespaces of a machine
 public:
  [[nodiscard]] std::int64_t now_ns() const override;
};

}  // namespace conntruth::io
