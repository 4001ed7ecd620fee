#pragma once
// Which source address an endpoint must see.
// Threading: pure functions.

#include <span>
#include <vector>

#include "controller/oracle/policy.hpp"

namespace conntruth::oracle {

struct SourceExpectation {
  SourceRule rule = SourceRule::kAny;
  std::vector<IpAddress> addresses;  // of the flow's family, sorted, each once
  std::vector<Rule> rules;
};

// `endpoints` are those that may answer: a client pod among them makes the flow a possible hairpin.
[[nodiscard]] SourceExpectation source_through_service(const Question& question, const Decision& decision,
                                                       std::span<const SocketAddress> endpoints);

// Straight to an endpoint's own address.
[[nodiscard]] SourceExpectation source_direct(const Question& question);

}  // namespace conntruth::oracle
