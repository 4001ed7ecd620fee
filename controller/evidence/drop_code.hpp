#pragma once
// What a drop's reason and place say beyond their names. Pure.
// Source: enum skb_drop_reason of include/net/dropreason-core.h; functions where kernels give no reason.

#include "common/model/hop.hpp"
#include "controller/evidence/cause.hpp"

namespace conntruth::evidence {

// kDroppedByRule, kTooBig, kNeighbourFailed, kNoRoute, or kDropped for all others.
[[nodiscard]] CauseCode code_of_drop(const Hop& hop);

}  // namespace conntruth::evidence
