// Findings about a rollout: what new flows lost meanwhile, and how long they reached pods that had gone out of use.
#include <fmt/format.h>

#include "controller/judge/findings.hpp"

namespace conntruth::judge {

using matrix::SampleKind;

Reasons leave_findings(const CellContext& context) {
  const auto& times = context.seen.follow;
  const auto bound = std::chrono::nanoseconds(context.cell.follow_bound).count();
  if (!times.last_wrong_ns || *times.last_wrong_ns <= bound) return {};
  return {{ReasonCode::kLeftLate,
           fmt::format("the last flow from {} that reached an endpoint which was taken away was opened {} after the "
                       "change; the bound is {}",
                       describe(context.cell.flow), milliseconds(*times.last_wrong_ns), milliseconds(bound))}};
}

Reasons gap_findings(const CellContext& context) {
  const auto& seen = context.seen;
  const auto bad = seen.received - seen.count(SampleKind::kAcceptable);
  if (bad == 0) return {};
  return {
      {ReasonCode::kGap,
       fmt::format("{} flows from {} were lost or answered wrongly (no answer {}, refused {}, wrong endpoint {}, wrong "
                   "source {}), the first one opened {} and the last one {} after the rollout began",
                   of(bad, seen.received), describe(context.cell.flow), seen.count(SampleKind::kSilenceUnexpected),
                   seen.count(SampleKind::kRefusalUnexpected), seen.count(SampleKind::kWrongEndpoint),
                   seen.count(SampleKind::kWrongSource), milliseconds(seen.follow.first_wrong_ns.value_or(0)),
                   milliseconds(seen.follow.last_wrong_ns.value_or(0)))}};
}

}  // namespace conntruth::judge
