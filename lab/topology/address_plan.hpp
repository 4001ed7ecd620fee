#pragma once
// The address plan of a lab: a pure function of its specification, so that every process that opens a lab computes the
// same topology and nobody has to trust a file.
//
// Node i counts from 1, pod j of a node from 0:
//   fabric   172.31.0.0/24, fd31::/64; router .1; node i has 10+i on eth0
//   pods     10.244.i.0/24, fd44:0:0:i::/64, of 10.244.0.0/16, fd44::/48; pod j has 10+j
//   external 192.0.2.0/24, 2001:db8:c::/64; router .1; source 10+i enters the cluster at node i
// Threading: pure functions.

#include <string>
#include <vector>

#include "common/model/topology.hpp"
#include "common/world/world.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab {

inline constexpr std::string_view kFabric = "fabric";                     // the namespace of bridge and router
inline constexpr std::string_view kExternal = "external";                 // the external client
inline constexpr std::string_view kPodDirectory = "/run/conntruth/pods";  // inside a node

inline constexpr const char* kClusterDomain = "cluster.local";  // of a lab with kubelets

[[nodiscard]] Topology plan_topology(const LabSpec& spec);
[[nodiscard]] TopologyNode plan_node(const LabSpec& spec, unsigned node);  // one of it
// The nodes as Kubernetes objects: host name and zone labels, InternalIPs, pod CIDRs.
[[nodiscard]] std::vector<world::Node> plan_nodes(const LabSpec& spec);

// One prefix or address per family of the lab, IPv4 first. `node` counts from 1.
[[nodiscard]] std::vector<Prefix> pod_prefixes(const LabSpec& spec, unsigned node);
[[nodiscard]] std::vector<Prefix> cluster_pod_prefixes(const LabSpec& spec);  // of all nodes' pods
[[nodiscard]] std::vector<Prefix> fabric_prefixes(const LabSpec& spec);
[[nodiscard]] std::vector<Prefix> external_prefixes(const LabSpec& spec);

// Locally administered MAC addresses, the same in every lab: neighbours are static.
[[nodiscard]] std::string fabric_mac();
[[nodiscard]] std::string node_mac(unsigned node);                       // eth0 of the node
[[nodiscard]] std::string pod_mac(unsigned node, unsigned pod);          // eth0 of the pod
[[nodiscard]] std::string pod_gateway_mac(unsigned node, unsigned pod);  // the node's end
[[nodiscard]] std::string external_mac();
[[nodiscard]] std::string external_gateway_mac();

}  // namespace conntruth::lab
