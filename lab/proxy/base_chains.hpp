#pragma once
// The part of a table that is the same for all Services: hooks, the dispatch by destination, masquerade, refusal.
// Names of sets and chains that the Services' part fills and refers to stand here. Pure.

#include <string>
#include <vector>

#include "common/world/world.hpp"
#include "lab/proxy/ruleset.hpp"

namespace conntruth::lab_proxy {

inline constexpr const char* kServiceIps = "service-ips";              // address . protocol . port → chain
inline constexpr const char* kServiceNodePorts = "service-nodeports";  // protocol . port → chain
inline constexpr const char* kUnservedIps = "unserved-ips";            // address . protocol . port → reject or drop
inline constexpr const char* kUnservedNodePorts = "unserved-nodeports";
inline constexpr const char* kClusterIps = "cluster-ips";
inline constexpr const char* kHairpins = "hairpins";  // endpoint . endpoint
inline constexpr const char* kPodCidrs = "pod-cidrs";
inline constexpr const char* kOwnPodCidrs = "own-pod-cidrs";
inline constexpr const char* kRejectChain = "reject-port-unreachable";
// Packets with this mark bit (the one kube-proxy uses) leave with an address of the node as their source.
inline constexpr const char* kMarkForMasquerade = "meta mark set meta mark or 0x4000";

struct PodCidrs {
  std::vector<Prefix> all;
  std::vector<Prefix> own;  // of the proxy's node
};
[[nodiscard]] PodCidrs pod_cidrs_of(const world::World& world, const std::string& node, Family family);

// Sorted, without prefixes that lie inside another one: nft refuses sets with overlapping intervals.
[[nodiscard]] std::vector<Prefix> without_overlaps(std::vector<Prefix> prefixes, Family family);

[[nodiscard]] Table base_table(Family family, const PodCidrs& pods, const std::vector<Prefix>& cluster_ip_ranges);

// "ip" or "ip6", as nft writes the header of that family in expressions.
[[nodiscard]] const char* header_of(Family family);

}  // namespace conntruth::lab_proxy
