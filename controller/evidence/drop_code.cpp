#include "controller/evidence/drop_code.hpp"

#include <string_view>

namespace conntruth::evidence {

CauseCode code_of_drop(const Hop& hop) {
  const auto says = [&](std::string_view part) { return hop.reason.find(part) != std::string::npos; };
  const auto in = [&](std::string_view function) { return hop.function.starts_with(function); };
  if (says("NETFILTER_DROP") || in("nft_do_chain") || in("nf_hook_slow") || in("ipt_do_table"))
    return CauseCode::kDroppedByRule;
  if (says("PKT_TOO_BIG")) return CauseCode::kTooBig;
  if (says("NEIGH_FAILED") || says("NEIGH_QUEUEFULL") || in("neigh_invalidate")) return CauseCode::kNeighbourFailed;
  // Where routes of the types unreachable, prohibit and blackhole lead: kernels do not give a reason for each of them.
  const bool no_way = in("ip_error") || in("ip6_pkt_discard") || in("ip6_pkt_prohibit") || in("dst_discard");
  if (says("NOROUTES") || no_way) return CauseCode::kNoRoute;
  return CauseCode::kDropped;
}

}  // namespace conntruth::evidence
