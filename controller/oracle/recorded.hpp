#pragma once
// Cells that are recorded and not scored. Internal to the room.

#include "common/model/expectation.hpp"

namespace conntruth::oracle {

// Nothing is asserted; what would be plausible stays visible.
inline void only_record(Expectation& expectation) {
  expectation.scored = false;
  const bool may_reply = !expectation.endpoints.empty() || expectation.http.has_value() || expectation.name.has_value();
  expectation.outcomes = {.replied = may_reply, .refused = true, .timed_out = true};
  expectation.spread = Spread::kFree;
  expectation.source = SourceRule::kAny;
  expectation.source_addresses.clear();
  expectation.http.reset();
  expectation.name.reset();
}

}  // namespace conntruth::oracle
