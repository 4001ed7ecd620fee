#include "controller/judge/reason.hpp"

namespace conntruth::judge {

namespace {

struct Row {
  ReasonCode code;
  std::string_view name;
  std::string_view explanation;
};

// In the order of the enumeration.
constexpr std::array<Row, kReasonCodes> kRows{{
    {ReasonCode::kAsExpected, "as-expected", "Every probe had an acceptable outcome."},
    {ReasonCode::kSilent, "silent", "Not one flow got an answer, although every flow has to be answered."},
    {ReasonCode::kLost, "lost", "Some flows got no answer, although every flow has to be answered."},
    {ReasonCode::kReplyLost, "reply-lost",
     "Endpoints saw the requests of all unanswered flows: the replies were lost."},
    {ReasonCode::kRefusedNotReplied, "refused-not-replied", "Flows were refused that have to be answered."},
    {ReasonCode::kRepliedNotRefused, "replied-not-refused", "Flows were answered that have to be refused."},
    {ReasonCode::kRepliedNotSilent, "replied-not-silent", "Flows were answered that have to be dropped."},
    {ReasonCode::kRefusedNotSilent, "refused-not-silent", "Flows were refused that have to be dropped silently."},
    {ReasonCode::kSilentNotRefused, "silent-not-refused", "Flows were dropped silently that have to be refused."},
    {ReasonCode::kLeaked, "leaked", "The client got nothing, as it should, yet the requests reached an endpoint."},
    {ReasonCode::kWrongEndpoint, "wrong-endpoint", "An endpoint answered that is not among the acceptable ones."},
    {ReasonCode::kStaleFlow, "stale-flow",
     "A flow with a fixed 5-tuple is still answered by an endpoint that it must not reach."},
    {ReasonCode::kConnectionReset, "connection-reset",
     "An established connection was ended that has to keep its endpoint."},
    {ReasonCode::kConnectionMoved, "connection-moved",
     "Requests on an established connection were answered by another endpoint than its first one."},
    {ReasonCode::kSourceRewritten, "source-rewritten",
     "The endpoint has to see the client's own address and saw another one."},
    {ReasonCode::kSourceNotRewritten, "source-not-rewritten",
     "The endpoint saw the client's own address where it has to be replaced."},
    {ReasonCode::kWrongSource, "wrong-source",
     "The endpoint saw a source address that is neither the client's nor an allowed node's."},
    {ReasonCode::kWrongStatus, "wrong-status", "A health endpoint answered with another HTTP status than it has to."},
    {ReasonCode::kWrongCount, "wrong-count", "A health check node port told another number of local ready endpoints."},
    {ReasonCode::kWrongService, "wrong-service", "A health check node port answered for another Service."},
    {ReasonCode::kWrongName, "wrong-name", "The cluster's DNS told something else of a Service's name than it has to."},
    {ReasonCode::kMissingEndpoint, "missing-endpoint", "An endpoint that has to take its share never answered."},
    {ReasonCode::kUnevenSpread, "uneven-spread", "Flows do not spread evenly over the endpoints."},
    {ReasonCode::kNotSticky, "not-sticky", "More than one endpoint answered one client, in spite of session affinity."},
    {ReasonCode::kNotRotated, "not-rotated", "Only one endpoint answered although the session affinity had timed out."},
    {ReasonCode::kNeverFollowed, "never-followed", "No right answer came after the change of the world."},
    {ReasonCode::kFollowedLate, "followed-late", "The first right answer after the change came later than the bound."},
    {ReasonCode::kLeftLate, "left-late",
     "New flows reached an endpoint for longer than the bound after it was taken away."},
    {ReasonCode::kGap, "gap", "Flows were lost or answered wrongly while endpoints were replaced one by one."},
    {ReasonCode::kControlFailed, "control-failed",
     "A control failed, so that nothing can be said about the Service layer."},
    {ReasonCode::kControlMissing, "control-missing",
     "A control has no complete evidence, so that nothing can be said about the Service layer."},
    {ReasonCode::kFlowForgotten, "flow-forgotten",
     "Too much time passed since the flow was probed before: conntrack may have forgotten it, so that nothing can be "
     "said."},
    {ReasonCode::kWorldChanged, "world-changed",
     "The world changed by itself while the cell was probed, so that nothing can be said."},
    {ReasonCode::kNothingToFollow, "nothing-to-follow",
     "The right answer came before the change, so that no time was measured."},
    {ReasonCode::kNotSeen, "not-seen",
     "Nothing came back, as nothing has to, and connection tracking does not know where the flows went."},
    {ReasonCode::kToolError, "tool-error", "The tool could not send or receive some probes."},
    {ReasonCode::kMissingSamples, "missing-samples", "Samples of planned probes did not arrive at the controller."},
    {ReasonCode::kNoSamples, "no-samples", "Not one sample of the cell arrived at the controller."},
    {ReasonCode::kNotScored, "not-scored", "What should happen here is implementation-defined: recorded, not judged."},
    {ReasonCode::kNotRunnable, "not-runnable", "The cell cannot be run in this environment."},
    {ReasonCode::kRunEnded, "run-ended", "The run ended before this cell's probes were sent."},
    {ReasonCode::kAgentLost, "agent-lost", "An agent that the cell needs was gone before its probes were sent."},
}};

consteval bool rows_are_in_order() {
  for (std::size_t i = 0; i < kReasonCodes; ++i) {
    if (static_cast<std::size_t>(kRows[i].code) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order());

}  // namespace

std::string_view to_string(ReasonCode code) { return kRows[static_cast<std::size_t>(code)].name; }
std::string_view explanation(ReasonCode code) { return kRows[static_cast<std::size_t>(code)].explanation; }

}  // namespace conntruth::judge
