#pragma once
// Samples into the counts of one cell's observation: each list grows by what is new, up to kMaxListed, and what does
// not fit is counted. Internal to the room. Threading: one writer per cell.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "controller/matrix/observation.hpp"
#include "controller/matrix/sample_table.hpp"

namespace conntruth::matrix {

void count_outcome(OutcomeCounts& counts, Outcome outcome);
void count_responder(std::vector<ResponderCount>& list, std::uint32_t responder, bool acceptable, bool fixed);
void count_source(CellObservation& cell, std::vector<SourceCount>& list, const IpAddress& address);
void count_refusal(CellObservation& cell, const Joined& joined);
[[nodiscard]] OutcomeCounts& counts_of(std::vector<MethodCounts>& methods, Method method);

// An answer counts when it has arrived; a probe without an acceptable answer counts when it was sent.
void follow(FollowTimes& times, const Joined& joined, bool right, std::int64_t since_ns, bool seen_late);
// Every probe without an acceptable answer, by when it was sent.
void count_gap(FollowTimes& times, const Joined& joined, std::int64_t since_ns);

// Of HTTP and of DNS servers alike.
template <typename Count, typename Answer>
void count_answer(std::vector<Count>& list, std::uint64_t& beyond, const Answer& answer, bool acceptable) {
  auto found = std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.answer == answer; });
  if (found == list.end()) {
    if (list.size() == kMaxListed) {
      ++beyond;
      return;
    }
    found = list.insert(list.end(), {answer, acceptable, 0});
  }
  ++found->count;
}

}  // namespace conntruth::matrix
