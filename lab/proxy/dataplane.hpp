#pragma once
// The rules and conntrack of one node, and what was last put there. Works on the network namespace it was opened in.
//
// A world that cannot be applied changes nothing. The first world takes our two tables over from whoever left them, in
// the same transaction. If a later difference is refused, somebody else changed our tables, and they are written anew,
// again in one transaction. Errors: those of Nftables and of the conntrack cleaner. Threading: one thread per object.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "common/world/world.hpp"
#include "lab/proxy/nft_apply.hpp"
#include "lab/proxy/ruleset.hpp"
#include "lab/proxy/udp_services.hpp"

namespace conntruth::lab_proxy {

struct DataplaneOptions {
  std::string node;
  std::vector<Prefix> cluster_ip_ranges;
  std::function<std::int64_t()> clock;  // CLOCK_MONOTONIC in ns
};

struct Applied {
  std::int64_t at_ns = 0;
  std::uint64_t changed = 0;
  std::uint64_t stale_flows = 0;  // UDP entries deleted
  std::string warning;            // of what went wrong and was mended, or could not be done after the commit
};

class Dataplane {
 public:
  [[nodiscard]] static Result<Dataplane> open(DataplaneOptions options);
  [[nodiscard]] Result<Applied> apply(const world::World& world);
  // Makes the next apply() write everything anew.
  void forget() { ruleset_.reset(); }
  // Removes our tables.
  [[nodiscard]] Status remove();

 private:
  Dataplane(DataplaneOptions options, Nftables nftables)
      : options_(std::move(options)), nftables_(std::move(nftables)) {}
  [[nodiscard]] Result<Applied> commit(const Ruleset& wanted);
  [[nodiscard]] Result<std::uint64_t> clean(const UdpServices& now);

  DataplaneOptions options_;
  Nftables nftables_;
  std::optional<Ruleset> ruleset_;  // in the kernel; none: unknown
  std::optional<UdpServices> udp_;  // for which conntrack was cleaned last
};

}  // namespace conntruth::lab_proxy
