#pragma once
// All rules of the packet filter as text, one network namespace after the other. Those of iptables-nft are among them,
// those of iptables-legacy are not. Needs CAP_NET_ADMIN. Threading: any.

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "common/model/ruleset.hpp"

namespace conntruth::observe {

// Of the caller's own namespace, "", and of each of `places` (name → path) that has any. Where they cannot be read the
// ruleset's error tells why; it also does where all that takes longer than `within`, which it does where there are tens
// of thousands of rules. Reading then goes on, and until it has ended none is begun anew.
[[nodiscard]] std::vector<Ruleset> read_rulesets(const std::map<NamespaceName, std::string>& places,
                                                 std::chrono::milliseconds within = std::chrono::seconds(10));

// Compressed, and cut at a line's end where it is longer than a ruleset may be.
void put_text(std::string text, Ruleset& ruleset);

}  // namespace conntruth::observe
