#pragma once
// All rules of the packet filter in one network namespace, as text, when witnesses had been there. Plain values.

#include <cstdint>
#include <string>

#include "common/model/hop.hpp"

namespace conntruth {

inline constexpr std::size_t kMaxRulesetText = std::size_t{32} << 20U;   // bytes; what is longer is cut at a line's end
inline constexpr std::size_t kMaxRulesetBytes = std::size_t{16} << 20U;  // of it when compressed

struct Ruleset {
  NamespaceName place;           // "" is the node itself
  std::int64_t at_ns = 0;        // CLOCK_MONOTONIC of the node, as hops have it
  std::int64_t unix_ns = 0;      // the same moment by CLOCK_REALTIME: by both, hops get a date
  std::uint64_t text_bytes = 0;  // of the whole text, also where it was cut
  std::string text_zstd;         // `nft list ruleset`, compressed; "" where there is none
  std::string error;             // why there is none, one line
  bool operator==(const Ruleset&) const = default;
};

}  // namespace conntruth
