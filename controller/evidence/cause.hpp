#pragma once
// Why a cell is red: what the kernel did to one of its probes, as a stable code and a sentence. The only list of codes;
// a new one needs a row in docs/causes.md and a literal case in the tests. A cause explains a verdict and never changes
// one. Pure.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/evidence/walk.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::evidence {

enum class CauseCode : std::uint8_t {
  // On the way to an endpoint.
  kNotTranslated,        // no rule took the Service's address
  kDroppedByRule,        // a packet filter's rule threw it away
  kRefusedByRule,        // a packet filter's rule answered with an error
  kTranslatedElsewhere,  // to what is no endpoint of the Service
  kTranslatedAnyway,     // although nothing may answer
  kStaleEntry,           // connection tracking still had an entry with an endpoint of before
  kUntracked,            // rules kept connection tracking from seeing it, so nothing could translate it
  kInvalid,              // connection tracking took it for no part of any flow
  kConntrackFull,        // there was no room for another entry
  kNoRoute,
  kNeighbourFailed,  // the next hop did not answer for its address
  kTooBig,           // larger than the way takes, and not to be fragmented
  kHairpinNotMasqueraded,
  kHairpinModeOff,     // a bridge does not send it out of the port that it came in by
  kLostBetweenNodes,   // left one node and never came to the next
  kDropped,            // by the kernel, for another reason
  kEndpointRefused,    // nobody listens at the endpoint
  kEndpointSilent,     // it came to the endpoint, which sent nothing
  kDroppedNotRefused,  // a rule throws away what it should refuse
  // On the way back.
  kReplyDropped,
  kReplyUntranslated,  // came with the endpoint's address instead of the Service's
  kReplyLost,
  kRefusalLost,
  // The source that the endpoint saw.
  kMasqueradeMissing,
  kMasqueradeTooMuch,
  // What was said, and which endpoints were chosen.
  kHealthAnswerWrong,    // the node's own health endpoint
  kNameAnswerWrong,      // the DNS server
  kEndpointNeverChosen,  // flows were translated to all endpoints but this one
  kUnevenChoice,
  kAffinityNotKept,   // flows of one client were translated to several endpoints
  kAffinityNotEnded,  // its time is over, and flows still go to the same endpoint
  // Nothing to tell.
  kNotReproduced,  // the same flow worked when it was sent again
  kUnexplained,    // it was seen, and none of these fits
  kNoEvidence,     // nothing of it was seen, or what was seen is not whole
};
inline constexpr std::size_t kCauseCodes = 34;

[[nodiscard]] std::string_view to_string(CauseCode code);    // "not-translated"
[[nodiscard]] std::string_view explanation(CauseCode code);  // one sentence without names

struct Cause {
  CauseCode code = CauseCode::kNoEvidence;
  std::string node;  // whose kernel did it; "" where that is not known
  std::string hook;  // "prerouting", "socket", or the kernel's function; "" where none is known
  std::string rule;  // of the packet filter, as nft lists it; "" where none is known
  std::string text;  // one sentence with the names and numbers of this very probe
  bool operator==(const Cause&) const = default;
};

// Of a witness that did not end as `cell` expects. `new_flows`: walks of flows of the same cell that began after it. An
// entry keeps its flow from all rules of translation, so that a missing rule and an entry of before look alike in
// `walk`; where new flows are translated, it was the entry.
[[nodiscard]] Cause find_cause(const plan::Cell& cell, const Walk& walk, const std::vector<Walk>& new_flows = {});

}  // namespace conntruth::evidence
