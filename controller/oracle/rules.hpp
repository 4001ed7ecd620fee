#pragma once
// Every rule the oracle can apply: one table, from which answers, `conntruth explain` and docs/semantics.md take their
// words. Ids are stable: reports and scripts refer to them; never rename one, never give an old id a new meaning.
// Threading: constants and pure functions.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/model/expectation.hpp"

namespace conntruth::oracle {

enum class RuleId : std::uint8_t {
  // What the packet's destination is.
  kEntryClusterIp,
  kEntryNodePort,
  kEntryExternalIp,
  kEntryLoadBalancer,
  kEntryPodIp,
  kEntryContested,
  // Destinations at which nothing is programmed.
  kNotProxiedProxyName,
  kNotProxiedHeadless,
  kNotProxiedExternalName,
  kFamilyNotServed,
  kUnusedPort,
  kNodePortClosed,
  kAddressReleased,
  kUnallocatedAddress,
  kPodPortClosed,
  kPodNotServing,
  kPodIpFromOutside,
  kLbIpModeProxy,
  // Where and under which policy it is decided.
  kDecidedByClientNode,
  kDecidedByEntryNode,
  kDecidedByNodePortOwner,
  kNodeLifecycleIgnored,
  kClusterIpFromOutside,
  kNodePortSecondaryAddress,
  kLbSourceRangeAdmits,
  kLbSourceRangeBlocks,
  kLbSourceRangeOtherFamily,
  kItpCluster,
  kItpLocal,
  kEtpCluster,
  kEtpLocal,
  kEtpLocalShortCircuit,
  kEtpLocalOwnNode,
  // Which endpoints are usable.
  kEndpointsListed,
  kEndpointContradictory,
  kPublishNotReady,
  kReadyEndpoints,
  kTerminatingFallback,
  kHintsNode,
  kHintsZone,
  kHintsIncomplete,
  kHintsElsewhere,
  kTrafficDistributionByHints,
  kLocalOverridesHints,
  kLocalReadyEndpoints,
  kLocalTerminatingFallback,
  // What happens to the flow.
  kNoEndpointsRefuse,
  kNoEndpointsLeavesNode,
  kItpLocalNoneLocalDrop,
  kEtpLocalNoneLocalDrop,
  kSpreadUniform,
  kAffinityClientIp,
  kAffinityTwoPolicies,
  // Which source address the endpoint sees.
  kSourceClusterIpPod,
  kSourceClusterIpNode,
  kSourceHairpin,
  kSourceEtpCluster,
  kSourceEtpLocal,
  kSourceEtpLocalNode,
  kSourceShortCircuitPod,
  kSourceShortCircuitNode,
  kSourceDirect,
  // What becomes of a connection that exists already.
  kEstablishedKept,
  kEstablishedEndpointGone,
  kEstablishedServiceChanged,
  kEstablishedNeverOpened,
  kUdpFlowStays,
  // What health endpoints say.
  kHealthPort,
  kHealthLocalReady,
  kHealthNoneLocal,
  kHealthPublishedTerminating,
  kHealthOtherFamily,
  kHealthPortClosed,
  kProxyHealthz,
  kProxyHealthzNodeLeaves,
  kProxyLivez,
  // What the cluster's DNS says.
  kNameUnknown,
  kNameClusterIp,
  kNameHeadless,
  kNameHeadlessEmpty,
  kNameExternal,
  kNameAliasEmpty,
  kNameOutside,
};

struct RuleDefinition {
  RuleId rule;
  std::string_view id;        // stable, kebab-case
  std::string_view sentence;  // what it says of any flow
  std::string_view source;    // KEP, kube-proxy behaviour, API documentation
};

// All rules in the order of RuleId.
[[nodiscard]] std::span<const RuleDefinition> rule_definitions();

// The rule as it applied to one flow; `text` is one sentence with that flow's names and numbers.
[[nodiscard]] Rule applied(RuleId rule, std::string text);

}  // namespace conntruth::oracle
