#include "controller/evidence/cause.hpp"

namespace conntruth::evidence {

namespace {

struct Words {
  CauseCode code;
  std::string_view name;
  std::string_view explanation;
};

constexpr std::array<Words, kCauseCodes> kWords = {{
    {CauseCode::kNotTranslated, "not-translated", "no rule took the Service's address, so it went on as it was"},
    {CauseCode::kDroppedByRule, "dropped-by-rule", "a packet filter's rule threw it away"},
    {CauseCode::kRefusedByRule, "refused-by-rule", "a packet filter's rule answered it with an error"},
    {CauseCode::kTranslatedElsewhere, "translated-elsewhere",
     "it was translated to an address that is no endpoint of the Service"},
    {CauseCode::kTranslatedAnyway, "translated-anyway", "it was translated although nothing may answer"},
    {CauseCode::kStaleEntry, "stale-entry",
     "connection tracking still had an entry of before the change, with an endpoint that is gone or without any "
     "translation"},
    {CauseCode::kUntracked, "untracked",
     "rules kept connection tracking from seeing it, so nothing could translate it"},
    {CauseCode::kInvalid, "invalid", "connection tracking took it for no part of any flow"},
    {CauseCode::kConntrackFull, "conntrack-full", "connection tracking had no room for another entry"},
    {CauseCode::kNoRoute, "no-route", "there was no route to where it was to go"},
    {CauseCode::kNeighbourFailed, "neighbour-failed", "the next hop did not answer for its address"},
    {CauseCode::kTooBig, "too-big", "it was larger than its way takes, and might not be taken apart"},
    {CauseCode::kHairpinNotMasqueraded, "hairpin-not-masqueraded",
     "a pod that reached itself through its Service saw its own address as the source"},
    {CauseCode::kHairpinModeOff, "hairpin-mode-off",
     "a bridge does not send out of a port what came in by it, as the port's hairpin mode is off"},
    {CauseCode::kLostBetweenNodes, "lost-between-nodes", "it left one node and never came to another"},
    {CauseCode::kDropped, "dropped", "the kernel dropped it for the reason that it gives"},
    {CauseCode::kEndpointRefused, "endpoint-refused", "it came to the endpoint, where nobody listens"},
    {CauseCode::kEndpointSilent, "endpoint-silent", "it came to the endpoint, which sent no answer"},
    {CauseCode::kDroppedNotRefused, "dropped-not-refused", "a packet filter's rule threw away what had to be refused"},
    {CauseCode::kReplyDropped, "reply-dropped", "the answer was dropped on its way back"},
    {CauseCode::kReplyUntranslated, "reply-untranslated",
     "the answer came with the endpoint's address instead of the Service's"},
    {CauseCode::kReplyLost, "reply-lost", "the answer was sent and never came back"},
    {CauseCode::kRefusalLost, "refusal-lost", "it was refused, and the refusal never came back"},
    {CauseCode::kMasqueradeMissing, "masquerade-missing",
     "the endpoint saw the client's own address where a node's had to stand"},
    {CauseCode::kMasqueradeTooMuch, "masquerade-too-much",
     "the endpoint saw another source than the client's own address"},
    {CauseCode::kHealthAnswerWrong, "health-answer-wrong",
     "the node's own health endpoint was asked, and said something else than it had to"},
    {CauseCode::kNameAnswerWrong, "name-answer-wrong", "the DNS server said something else than it had to"},
    {CauseCode::kEndpointNeverChosen, "endpoint-never-chosen",
     "flows were translated to other endpoints, and never to this one"},
    {CauseCode::kUnevenChoice, "uneven-choice",
     "flows were translated to some endpoints far more often than to others"},
    {CauseCode::kAffinityNotKept, "affinity-not-kept",
     "flows of one client were translated to several endpoints in spite of session affinity"},
    {CauseCode::kAffinityNotEnded, "affinity-not-ended",
     "flows were translated to the same endpoint although the time of the session affinity was over"},
    {CauseCode::kNotReproduced, "not-reproduced", "the same flow worked when it was sent again"},
    {CauseCode::kUnexplained, "unexplained", "it was seen on its way, and what was seen explains nothing"},
    {CauseCode::kNoEvidence, "no-evidence", "nothing of it was seen, or what was seen is not whole"},
}};

constexpr const Words& words_of(CauseCode code) { return kWords[static_cast<std::size_t>(code)]; }

constexpr bool in_order() {
  for (std::size_t i = 0; i < kCauseCodes; ++i) {
    if (kWords[i].code != static_cast<CauseCode>(i)) return false;
  }
  return true;
}
static_assert(in_order(), "one row for each code, in the order of the codes");

}  // namespace

std::string_view to_string(CauseCode code) { return words_of(code).name; }
std::string_view explanation(CauseCode code) { return words_of(code).explanation; }

}  // namespace conntruth::evidence
