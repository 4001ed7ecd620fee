#pragma once
// How many answers a place may await at a time. In a lab all places share one machine, and on a loaded node the
// answering side gets little of it: probes then wait in its queues, and a queue of a whole timeout looks like loss. So
// the window follows the round trips, as a delay-based congestion control does: it grows while answers come as fast as
// the fastest ones, and is halved when they come later than that by kSlackNs. Pure.

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace conntruth::probe {

class AnswerWindow {
 public:
  static constexpr std::size_t kFirst = 64;
  static constexpr std::size_t kLeast = 8;
  static constexpr std::size_t kMost = 256;
  static constexpr std::int64_t kSlackNs = 50'000'000;  // far below a timeout, far above what a scheduler takes

  // `most`: kLeast..kMost, this place's share where many share a machine.
  explicit AnswerWindow(std::size_t most = kMost) : most_(most), size_(std::min(kFirst, most)) {}

  [[nodiscard]] std::size_t size() const { return size_; }

  void answered(std::int64_t sent_ns, std::int64_t now_ns) {
    const auto round_trip_ns = now_ns - sent_ns;
    fastest_ns_ = std::min(fastest_ns_, round_trip_ns);
    if (round_trip_ns > fastest_ns_ + kSlackNs) {
      // What was sent before the last cut tells of the queue that the cut was for.
      if (sent_ns >= cut_ns_) cut(size_ / 2, now_ns);
    } else if (++prompt_ >= size_ / kGrowth) {
      size_ = std::min(most_, size_ + 1);
      prompt_ = 0;
    }
  }
  // An answer came after its deadline.
  void late(std::int64_t now_ns) { cut(kLeast, now_ns); }

 private:
  static constexpr std::size_t kGrowth = 8;  // per window of prompt answers

  void cut(std::size_t size, std::int64_t now_ns) {
    size_ = std::max(kLeast, size);
    cut_ns_ = now_ns;
    prompt_ = 0;
  }
  std::size_t most_;
  std::size_t size_;
  std::size_t prompt_ = 0;
  std::int64_t fastest_ns_ = INT64_MAX;
  std::int64_t cut_ns_ = INT64_MIN;
};

}  // namespace conntruth::probe
