#pragma once
// What the agent itself lost or set aside, each with its name. Totals; any thread may add.

#include <array>
#include <atomic>
#include <vector>

#include "common/model/probe.hpp"

namespace conntruth::io {

enum class Loss : std::uint8_t {
  kSocketOverflow,      // the kernel dropped packets because we read too slowly
  kLateAnswer,          // came after the probe's deadline
  kDuplicateAnswer,     // came again
  kUnknownAnswer,       // valid, but of no probe that we remember
  kForeignPacket,       // looked like an answer and is not: wrong address, port or identity
  kUnidentifiedAnswer,  // somebody accepted the probe and gave no identity
  kDroppedOnSend,       // EPERM: a rule of the output hook dropped it
  kWithdrawnProbe,      // in flight when its task had seen enough (until_count); has no sample
  kAnswerNotSent,       // a responder's send failed
  kBadChecksum,         // an SCTP packet with a wrong CRC32c
  kCount,
};

class LossCounters {
 public:
  void add(Loss loss, std::uint64_t count = 1) {
    counts_.at(static_cast<std::size_t>(loss)).fetch_add(count, std::memory_order_relaxed);
  }
  [[nodiscard]] std::vector<LossCounter> snapshot() const;  // without zeros, sorted by name

 private:
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(Loss::kCount)> counts_{};
};

}  // namespace conntruth::io
