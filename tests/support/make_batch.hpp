#pragma once
// Result batches that look like a run's: tasks interleaved, several endpoints, both families, every outcome.

#include <random>

#include "common/model/probe.hpp"

namespace conntruth::support {

// Deterministic, and 32 bits wide as its users want it.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }

 private:
  std::mt19937 engine_;
};

inline IpAddress address(const char* text) { return *IpAddress::parse(text); }

inline Sample make_sample(Random& random, std::uint32_t task, std::uint32_t sequence) {
  static const std::vector<IpAddress> sources = {address("10.244.1.10"), address("172.31.0.11"),
                                                 address("fd44:0:0:1::a"), address("fd31::b")};
  Sample sample;
  sample.id = probe_id(task, sequence);
  sample.source_port = static_cast<std::uint16_t>(32768U + random() % 28000U);
  sample.sent_ns = 1'000'000'000'000 + static_cast<std::int64_t>(sequence) * 50'000 + random() % 40'000;
  const auto dice = random() % 100U;
  if (dice < 90) {
    sample.outcome = Outcome::kReplied;
    sample.responder = 1 + random() % 30U;
    const auto masqueraded = static_cast<std::uint16_t>(1024U + random() % 60'000U);
    sample.seen_source = {sources[random() % sources.size()], random() % 3U == 0 ? masqueraded : sample.source_port};
    sample.seen_destination = {sources[sample.responder % sources.size()], 8080};
    sample.round_trip_ns = 20'000 + random() % 400'000;
  } else if (dice < 95) {
    sample.outcome = Outcome::kRefused;
    sample.refusal = {RefusalKind::kIcmp, 3, static_cast<std::uint8_t>(random() % 14U), sources[random() % 4U]};
    sample.round_trip_ns = 20'000;
  } else if (dice < 98) {
    sample.outcome = Outcome::kTimedOut;
  } else {
    sample.error = "no source port is free in pod node-1-pod-0";
  }
  return sample;
}

inline ResultBatch make_batch(std::uint32_t seed, std::uint32_t samples) {
  Random random(seed);
  ResultBatch batch{.sequence = seed + 1,
                    .assignment = 7,
                    .samples = {},
                    .sights = {},
                    .losses = {},
                    .assignment_done = false,
                    .assignment_quiet = true,
                    .assignment_error = {}};
  for (std::uint32_t i = 0; i < samples; ++i) {
    batch.samples.push_back(make_sample(random, 100 + random() % 40U, i / 40));
    if (i % 3 == 0) {
      const auto& sample = batch.samples.back();
      batch.sights.push_back(
          {sample.id, 1 + random() % 30U, {address("10.244.1.10"), sample.source_port}, sample.sent_ns + 9'000});
    }
  }
  batch.losses = {{"late-answer", 3}, {"raw-socket-overflow", 1ULL << 40U}};
  return batch;
}

}  // namespace conntruth::support
