#pragma once
// How many probes a reading run sends, and what they can show. Internal to the room; pure.

#include <cstddef>
#include <cstdint>

namespace conntruth::plan {

inline constexpr std::uint32_t kLeastReadingProbes = 24;
inline constexpr std::uint32_t kMostReadingProbes = 512;

// So many that each of `endpoints` is chosen at least once in 999 of 1000 runs where each is as likely as the others:
// the least N with endpoints * (1 - 1/endpoints)^N <= 0.001, within the two bounds above.
[[nodiscard]] std::uint32_t probes_to_see(std::size_t endpoints);

// The share of lost flows that `probes` probes miss in one run of twenty: 1 - 0.05^(1/probes). 0 for no probes is 1.
[[nodiscard]] double share_missed_by(std::uint32_t probes);

}  // namespace conntruth::plan
