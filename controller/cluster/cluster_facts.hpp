#pragma once
// What a run has to know about a cluster before it touches it, read from the API in one go.
// Errors: those of kube::Client; kInvalidInput for an object that cannot be read, with its name. Sources: core/v1 Node,
// Pod and Service, networking.k8s.io/v1 ServiceCIDR (KEP-1880). Threading: values; read_cluster() blocks its caller.

#include <cstdint>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"
#include "kube/client.hpp"

namespace conntruth::cluster {

struct NodeFacts {
  world::Node node;
  bool ready = true;
  std::string why;     // "KubeletNotReady: network plugin is not ready", where it is not
  std::string kernel;  // status.nodeInfo.kernelVersion
};

// A pod of the install: an agent or an anchor.
struct PodFacts {
  std::string name;
  std::string node;
  std::string component;  // label app.kubernetes.io/component: "agent", "anchor", "controller"
  int ordinal = -1;       // of an anchor: the number at the end of its DaemonSet's name
  std::vector<IpAddress> addresses;
  bool ready = false;     // running, its containers ready, not being deleted
  std::string state;      // "Pending: 0/3 nodes are available", for people
  std::string version{};  // label app.kubernetes.io/version
  std::string image{};    // of its first container
};

struct ClusterFacts {
  std::string version;  // of the API server: "v1.36.3"
  std::vector<NodeFacts> nodes;
  std::vector<PodFacts> pods;
  std::vector<Prefix> service_ranges;            // of ServiceCIDR objects that are not being deleted
  std::vector<IpAddress> taken_addresses;        // of Services that are not ours
  std::vector<std::uint16_t> taken_node_ports;   // the same
  std::vector<std::string> services_in_our_way;  // names in the namespace of our worlds, not ours
};

struct ReadOptions {
  std::string system_namespace = "conntruth-system";  // of the install
  std::string world_namespace = "conntruth";
  bool read_ranges = true;  // false: somebody told them
};

// The nodes and the install's pods alone.
[[nodiscard]] Result<std::vector<NodeFacts>> read_nodes(kube::Client& client, kube::SteadyTime deadline);
[[nodiscard]] Result<std::vector<PodFacts>> read_pods(kube::Client& client, const std::string& system_namespace,
                                                      kube::SteadyTime deadline);

[[nodiscard]] Result<ClusterFacts> read_cluster(kube::Client& client, const ReadOptions& options,
                                                kube::SteadyTime deadline);

}  // namespace conntruth::cluster
