#pragma once
// From a world to the rules of one node's proxy. Pure.
//
// Chains of one Service port are named ROLE/NAMESPACE/SERVICE/PROTOCOL/PORT:
//   cluster/…, local/…   pick an endpoint of that set and translate to it;
//   external/…           external IPs and balancer addresses under the external traffic policy;
//   nodeport/…           node ports under it (what counts as near differs from external/…);
//   balancer/…           loadBalancerSourceRanges, then external/….
// What is common to all Services stands in base_chains.cpp. Source: k8s Service API, kube-proxy behaviour.

#include <string>
#include <vector>

#include "common/world/world.hpp"
#include "lab/proxy/ruleset.hpp"

namespace conntruth::lab_proxy {

struct BuildOptions {
  std::string node;
  std::vector<Prefix> cluster_ip_ranges;
};

[[nodiscard]] Ruleset build_ruleset(const world::World& world, const BuildOptions& options);

}  // namespace conntruth::lab_proxy
