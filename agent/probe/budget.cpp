#include "agent/probe/budget.hpp"

namespace conntruth::probe {

std::uint32_t Budget::take(std::uint32_t wanted, std::int64_t now_ns) {
  auto paid = paid_until_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const auto from = std::max(paid, now_ns - burst_ns_);
    const auto available = std::max<std::int64_t>(0, (now_ns - from) / cost_ns_);
    const auto granted = std::min<std::int64_t>(wanted, available);
    if (granted == 0) return 0;
    if (paid_until_ns_.compare_exchange_weak(paid, from + granted * cost_ns_, std::memory_order_relaxed)) {
      return static_cast<std::uint32_t>(granted);
    }
  }
}

}  // namespace conntruth::probe
