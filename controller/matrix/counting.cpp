#include "controller/matrix/counting.hpp"

namespace conntruth::matrix {

void count_outcome(OutcomeCounts& counts, Outcome outcome) {
  switch (outcome) {
    case Outcome::kReplied:
      ++counts.replied;
      return;
    case Outcome::kRefused:
      ++counts.refused;
      return;
    case Outcome::kTimedOut:
      ++counts.timed_out;
      return;
    case Outcome::kToolError:
      ++counts.tool_error;
      return;
  }
}

void count_responder(std::vector<ResponderCount>& list, std::uint32_t responder, bool acceptable, bool fixed) {
  auto found = std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.responder == responder; });
  if (found == list.end()) found = list.insert(list.end(), {responder, acceptable, 0, 0});
  ++(fixed ? found->fixed : found->fresh);
}

void count_source(CellObservation& cell, std::vector<SourceCount>& list, const IpAddress& address) {
  auto found = std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.address == address; });
  if (found == list.end()) {
    if (list.size() == kMaxListed) {
      ++cell.sources_beyond;
      return;
    }
    found = list.insert(list.end(), {address, 0});
  }
  ++found->count;
}

void count_refusal(CellObservation& cell, const Joined& joined) {
  const Refusal refusal{static_cast<RefusalKind>(joined.refusal), joined.icmp_type, joined.icmp_code, joined.peer};
  auto& list = cell.refusals;
  auto found = std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.refusal == refusal; });
  if (found == list.end()) {
    if (list.size() == kMaxListed) {
      ++cell.refusals_beyond;
      return;
    }
    found = list.insert(list.end(), {refusal, 0});
  }
  ++found->count;
}

OutcomeCounts& counts_of(std::vector<MethodCounts>& methods, Method method) {
  auto found = std::find_if(methods.begin(), methods.end(), [&](const auto& entry) { return entry.method == method; });
  if (found == methods.end()) found = methods.insert(methods.end(), {method, {}});
  return found->outcomes;
}

void follow(FollowTimes& times, const Joined& joined, bool right, std::int64_t since_ns, bool seen_late) {
  if (since_ns == 0) return;
  if (!right) {
    const auto sent = joined.sent_ns - since_ns;
    if (sent >= 0) times.last_wrong_ns = std::max(times.last_wrong_ns.value_or(sent), sent);
    return;
  }
  auto arrived = joined.sent_ns + joined.round_trip_ns - since_ns;
  // Of a change that is not ours we hear when all others do, and a node may be quicker than we are.
  if (seen_late) arrived = std::max<std::int64_t>(arrived, 0);
  if (arrived < 0) {
    ++times.right_before;
  } else {
    times.first_right_ns = std::min(times.first_right_ns.value_or(arrived), arrived);
  }
}

void count_gap(FollowTimes& times, const Joined& joined, std::int64_t since_ns) {
  const auto sent = joined.sent_ns - since_ns;
  times.first_wrong_ns = std::min(times.first_wrong_ns.value_or(sent), sent);
  times.last_wrong_ns = std::max(times.last_wrong_ns.value_or(sent), sent);
}

}  // namespace conntruth::matrix
