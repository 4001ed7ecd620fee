#pragma once
// Why a cell has its verdict: stable kebab-case codes for machines, a sentence each for people. The only list of codes;
// a new one needs a row in docs/verdicts.md and a literal case in the judge's tests.

#include <array>
#include <cstdint>
#include <string_view>

namespace conntruth::judge {

enum class ReasonCode : std::uint8_t {
  kAsExpected,
  // A reply had to come.
  kSilent,     // not one answer, nothing reached an endpoint
  kLost,       // some flows got no answer
  kReplyLost,  // endpoints saw every unanswered request
  kRefusedNotReplied,
  // No reply may come.
  kRepliedNotRefused,
  kRepliedNotSilent,
  kRefusedNotSilent,
  kSilentNotRefused,
  kLeaked,  // the client got what it should, yet the request reached an endpoint
  // Who answered, and what it saw.
  kWrongEndpoint,
  kStaleFlow,        // a fixed flow still reaches an endpoint that it must not
  kConnectionReset,  // an established connection was ended
  kConnectionMoved,  // an established connection was answered by another endpoint than before
  kSourceRewritten,
  kSourceNotRewritten,
  kWrongSource,
  // What a health endpoint said.
  kWrongStatus,
  kWrongCount,
  kWrongService,
  kWrongName,  // what the cluster's DNS said
  // How flows spread.
  kMissingEndpoint,
  kUnevenSpread,
  kNotSticky,
  kNotRotated,
  // How a change is followed.
  kNeverFollowed,
  kFollowedLate,
  kLeftLate,  // flows still reached an endpoint that was taken away
  kGap,       // flows were lost while endpoints were replaced
  // No verdict about the dataplane.
  kControlFailed,
  kControlMissing,
  kFlowForgotten,    // so long was it not probed that conntrack need not know it any more
  kWorldChanged,     // by itself, while it was probed
  kNothingToFollow,  // the right answer came before the change
  kNotSeen,          // nothing tells where UDP flows went
  kToolError,
  kMissingSamples,
  kNoSamples,
  kNotScored,
  kNotRunnable,
  kRunEnded,
  kAgentLost,
};
inline constexpr std::size_t kReasonCodes = 42;

// Every code of 0..kReasonCodes-1 has a name and an explanation.
[[nodiscard]] std::string_view to_string(ReasonCode code);    // "wrong-endpoint"
[[nodiscard]] std::string_view explanation(ReasonCode code);  // what the code means, one sentence without names

}  // namespace conntruth::judge
