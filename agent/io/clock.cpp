#include "agent/io/clock.hpp"

#include <ctime>

namespace conntruth::io {

std::int64_t MonotonicClock::now_ns() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

}  // namespace conntruth::io
