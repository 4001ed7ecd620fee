#pragma once
// On which node and under which traffic policy a flow to a Service port is decided.
// Sources: KEP-2086, core/v1 externalTrafficPolicy, KEP-3836, kubernetes PR 123622 (own node's node port).
// Threading: pure functions.

#include <vector>

#include "controller/oracle/entry_lookup.hpp"

namespace conntruth::oracle {

enum class Scope : std::uint8_t {
  kInternalCluster,
  kInternalLocal,
  kExternalCluster,
  kExternalLocal,
  kShortCircuit,  // external Local, but a pod or node uses an external or load-balancer address
  kOwnNode,       // external Local, a pod or node uses a node port of its own node: implementation defined
};

struct Decision {
  const world::Node* node = nullptr;
  Scope scope = Scope::kInternalCluster;
  std::vector<Rule> rules;
};

[[nodiscard]] Decision decide(const Question& question, const Frontend& frontend);

// loadBalancerSourceRanges, for the one kind of entry to which they apply.
enum class Admission : std::uint8_t { kNotAsked, kAdmitted, kBlocked, kUndefined };
struct SourceRangeCheck {
  Admission admission = Admission::kNotAsked;
  std::vector<Rule> rules;
};
[[nodiscard]] SourceRangeCheck check_source_ranges(const Question& question, const Frontend& frontend);

}  // namespace conntruth::oracle
