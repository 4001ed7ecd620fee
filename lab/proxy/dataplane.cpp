#include "lab/proxy/dataplane.hpp"

#include "lab/proxy/conntrack_cleaner.hpp"
#include "lab/proxy/ruleset_builder.hpp"
#include "lab/proxy/ruleset_diff.hpp"
#include "lab/proxy/service_view.hpp"

namespace conntruth::lab_proxy {

Result<Dataplane> Dataplane::open(DataplaneOptions options) {
  auto nftables = Nftables::open();
  if (!nftables) return std::unexpected(nftables.error());
  return Dataplane(std::move(options), std::move(*nftables));
}

Result<Applied> Dataplane::apply(const world::World& world) {
  auto wanted = build_ruleset(world, {options_.node, options_.cluster_ip_ranges});
  auto applied = commit(wanted);
  if (!applied) return applied;
  ruleset_ = std::move(wanted);
  const auto stale = clean(udp_services_of(world, place_of(world, options_.node)));
  if (stale) {
    applied->stale_flows = *stale;
  } else {
    applied->warning = "the rules are in place but stale UDP flows are not removed: " + stale.error().message;
  }
  return applied;
}

Result<Applied> Dataplane::commit(const Ruleset& wanted) {
  std::string mended;
  if (ruleset_) {
    const auto change = difference(*ruleset_, wanted);
    const auto status = nftables_.apply(change.commands);
    if (status) return Applied{.at_ns = options_.clock(), .changed = change.objects, .warning = ""};
    mended = status.error().message + "; the tables were written anew";
  }
  const auto change = replacement(wanted);
  if (auto status = nftables_.apply(change.commands); !status) return std::unexpected(status.error());
  return Applied{.at_ns = options_.clock(), .changed = change.objects, .warning = mended};
}

Result<std::uint64_t> Dataplane::clean(const UdpServices& now) {
  if (udp_ == now) return 0;
  auto own = own_addresses();
  if (!own) return std::unexpected(own.error());
  const UdpServices before = udp_.value_or(UdpServices{});
  const StaleRule rule{before, now, std::move(*own), options_.cluster_ip_ranges};
  auto deleted = delete_udp_entries([&](const UdpFlow& flow) { return rule.is_stale(flow); });
  if (deleted) udp_ = now;
  return deleted;
}

Status Dataplane::remove() {
  ruleset_.reset();
  return nftables_.apply(removal());
}

}  // namespace conntruth::lab_proxy
