#pragma once
// A rate limit shared by threads: a token bucket kept as one number, the time up to which sends are paid for (the
// generic cell rate algorithm, ITU-T I.371). Pure but for its atomic; times are the caller's nanoseconds.

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace conntruth::probe {

class Budget {
 public:
  static constexpr std::int64_t kBurstNs = 10'000'000;  // what may be saved up

  explicit Budget(std::uint32_t per_second)  // 1..
      : cost_ns_(std::max<std::int64_t>(1, 1'000'000'000 / per_second)), burst_ns_(std::max(kBurstNs, cost_ns_)) {}

  // How many of `wanted` may be sent now; they count as sent.
  [[nodiscard]] std::uint32_t take(std::uint32_t wanted, std::int64_t now_ns);
  // Gives back what take() granted and was not used.
  void give_back(std::uint32_t count) { paid_until_ns_.fetch_sub(count * cost_ns_, std::memory_order_relaxed); }
  // When the next one may be sent, if nobody else takes it.
  [[nodiscard]] std::int64_t next_ns() const { return paid_until_ns_.load(std::memory_order_relaxed) + cost_ns_; }

 private:
  std::int64_t cost_ns_;
  std::int64_t burst_ns_;
  std::atomic<std::int64_t> paid_until_ns_{0};
};

}  // namespace conntruth::probe
