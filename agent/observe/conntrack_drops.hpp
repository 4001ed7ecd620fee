#pragma once
// Packets that connection tracking of the agent's own namespace threw away itself, whosever they were: no room for
// another entry (nf_conntrack_max, which is the whole machine's), or two packets that wanted the same one.
// Source: /proc/net/stat/nf_conntrack; nf_conntrack_in() and nf_ct_resolve_clash() of
// net/netfilter/nf_conntrack_core.c. Threading: calls are independent of each other.

#include <cstdint>
#include <string_view>

namespace conntruth::observe {

// The sum of the column "drop" over all processors; 0 where there is none.
[[nodiscard]] std::uint64_t dropped_in(std::string_view statistics);

class ConntrackDrops {
 public:
  ConntrackDrops();                           // counts from now on
  [[nodiscard]] std::uint64_t count() const;  // 0 where the kernel does not tell

 private:
  std::uint64_t before_;
};

}  // namespace conntruth::observe
