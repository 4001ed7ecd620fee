#include "agent/io/losses.hpp"

#include <algorithm>

namespace conntruth::io {

std::vector<LossCounter> LossCounters::snapshot() const {
  static constexpr std::array<const char*, static_cast<std::size_t>(Loss::kCount)> kNames{
      "socket-overflow",     "late-answer",     "duplicate-answer", "unknown-answer",  "foreign-packet",
      "unidentified-answer", "dropped-on-send", "withdrawn-probe",  "answer-not-sent", "bad-checksum"};
  std::vector<LossCounter> result;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const auto count = counts_.at(i).load(std::memory_order_relaxed);
    if (count != 0) result.push_back({kNames.at(i), count});
  }
  std::ranges::sort(result, {}, &LossCounter::name);
  return result;
}

}  // namespace conntruth::io
