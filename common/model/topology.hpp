#pragma once
// What is there to probe from and to: nodes with their pods, external clients, and the address ranges of Services.
// The lab makes one; a cluster's is read from its API. Plain values.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.hpp"

namespace conntruth {

struct Pod {
  std::string name;                  // "node-1-pod-0", unique in the topology
  std::vector<IpAddress> addresses;  // at most one per family
  std::string netns;                 // path of its network namespace as the agent of its node sees it
  std::string device;                // the node's end of its veth
  bool operator==(const Pod&) const = default;
};

struct TopologyNode {
  std::string name;
  std::string zone;                  // "" where the node has none
  std::vector<IpAddress> addresses;  // InternalIPs, at most one per family
  std::string device;                // the node's uplink
  std::vector<Pod> pods;
  bool operator==(const TopologyNode&) const = default;
};

// A client outside of the cluster. Traffic to Service addresses enters the cluster at a node chosen by the client's
// source address, so that every node can be tried as the entry.
struct ExternalClient {
  std::string name;  // "external"
  std::string device;
  struct Via {
    std::string node;
    std::vector<IpAddress> sources;  // at most one per family
    bool operator==(const Via&) const = default;
  };
  std::vector<Via> via;
  bool operator==(const ExternalClient&) const = default;
};

struct ServiceRanges {
  std::vector<Prefix> cluster_ips;     // one per family
  std::vector<Prefix> external_ips;    // addresses owned by nobody; routed to the nodes from outside
  std::vector<Prefix> load_balancers;  // the same, for status.loadBalancer
  std::uint16_t node_port_first = 30000;
  std::uint16_t node_port_last = 32767;
  // Of the ranges, what objects of others have: never given to a Service of ours.
  std::vector<IpAddress> taken_addresses{};
  std::vector<std::uint16_t> taken_node_ports{};
  bool operator==(const ServiceRanges&) const = default;
};

// Who says what a Service's name has. No servers: nobody.
struct ClusterDns {
  std::vector<IpAddress> servers;  // at most one per family, at port 53: as pods ask
  std::string domain;              // "cluster.local"
  bool operator==(const ClusterDns&) const = default;
};

struct Topology {
  std::string name;  // of the lab or cluster
  std::vector<TopologyNode> nodes;
  std::vector<ExternalClient> external_clients;
  ServiceRanges ranges;
  ClusterDns dns{};

  [[nodiscard]] const TopologyNode* node(std::string_view node_name) const;
  [[nodiscard]] const Pod* pod(std::string_view pod_name) const;
  [[nodiscard]] const TopologyNode* node_of_pod(std::string_view pod_name) const;
  bool operator==(const Topology&) const = default;
};

// The member of `addresses` with that family, or an unspecified address where there is none.
[[nodiscard]] IpAddress address_of(const std::vector<IpAddress>& addresses, Family family);

}  // namespace conntruth
