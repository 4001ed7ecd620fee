#pragma once
// The nft commands that turn one ruleset into another, in an order that one transaction can take. Pure functions.

#include <cstdint>
#include <string>

#include "lab/proxy/ruleset.hpp"

namespace conntruth::lab_proxy {

struct Change {
  std::string commands;       // one a line; empty where there is nothing to do
  std::uint64_t objects = 0;  // chains, sets and elements that are added, rewritten or removed
};

// From what was applied last to what is wanted.
[[nodiscard]] Change difference(const Ruleset& applied, const Ruleset& wanted);
// From whatever our tables hold, or from no tables at all.
[[nodiscard]] Change replacement(const Ruleset& wanted);
// Leaves no table of ours; no error where there are none.
[[nodiscard]] std::string removal();

}  // namespace conntruth::lab_proxy
