#pragma once
// From what was read of a cluster to what can be probed, and what cannot and why. Pure.
//
// A node takes part where it is ready and has a ready agent and every anchor. Places are named as agents name them: the
// anchor N of node X is the pod "X-pod-N". Families without a Service range are left out: nothing could be probed in
// them. Errors: kUnavailable where no node takes part, kInvalidInput without any Service range, kConflict where foreign
// Services are in the way of our worlds. Threading: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "common/model/topology.hpp"
#include "common/result.hpp"
#include "controller/cluster/cluster_facts.hpp"

namespace conntruth::cluster {

struct TopologyOptions {
  std::string name;  // of the cluster, for people
  std::size_t anchors = 2;
  std::vector<Prefix> service_ranges;  // empty: those that were read
  // Addresses that nobody owns: by default of the ranges for documentation (RFC 5737, RFC 3849).
  std::vector<Prefix> external_ips;
  std::vector<Prefix> load_balancers;
  std::uint16_t node_port_first = 30000;
  std::uint16_t node_port_last = 32767;
  ClusterDns dns{};
};

struct ClusterTopology {
  Topology topology;
  std::vector<std::string> uncovered;  // "node-3 is not ready: KubeletNotReady: ...", one per node that is left out
};

// Why a run leaves a node out, as in `uncovered`; "" where it takes part. Of `all` the pods are looked at.
[[nodiscard]] std::string why_uncovered(const NodeFacts& node, const ClusterFacts& all, std::size_t anchors);

// The pod of a DaemonSet on a node, a ready one where there are several, as in a rollout; or nullptr. `ordinal`: of an
// anchor, -1 of an agent.
[[nodiscard]] const PodFacts* pod_on(const ClusterFacts& all, const std::string& node, std::string_view component,
                                     int ordinal);

[[nodiscard]] Result<ClusterTopology> topology_of(const ClusterFacts& facts, const TopologyOptions& options);

}  // namespace conntruth::cluster
