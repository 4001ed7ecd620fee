#pragma once
// The rule of the packet filter that a cause comes from, or the absence of one, by what the nodes traced of that very
// probe. Pure.

#include <string>

#include "controller/evidence/cause.hpp"
#include "controller/evidence/walk.hpp"

namespace conntruth::evidence {

// "ip saddr 10.244.1.0/24 drop (table inet planted, chain forward, handle 4)",
// "no element 10.96.0.10 . tcp . 80 in map service-ips (table ip kube-proxy, chain services, handle 12)",
// "no rule matched (table ip nat, chain KUBE-SERVICES)".
[[nodiscard]] std::string describe(const RuleStep& step);

// By which that node translated the destination; null where no such rule was traced.
[[nodiscard]] const RuleStep* translator_of(const Walk& walk, const std::string& node);

// Sets cause.rule, and says it at the end of cause.text, where the cause is one of rules and a rule is known.
void name_rule(const plan::Cell& cell, const Walk& walk, Cause& cause);

// Whether people want to see it among all the others: what decided, translated, took marks away or was looked up in
// vain.
[[nodiscard]] bool matters(const RuleStep& step);
// Those that matter, one per line: where, which hook, what.
[[nodiscard]] std::string rules_to_text(const Walk& walk);

}  // namespace conntruth::evidence
