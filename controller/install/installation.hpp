#pragma once
// What `status` says: read from the API in one go (read_facts), then judged without it (assess).
//
// Errors: those of kube::Client. What we may not read is no error: it is named among `not_seen`, and the rest is told.
// Threading: read_facts() blocks its caller; the rest are values and pure functions.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "controller/cluster/cluster_facts.hpp"
#include "controller/install/inventory.hpp"
#include "controller/install/workloads.hpp"
#include "kube/client.hpp"

namespace conntruth::install {

struct LeaseFacts {
  std::string holder;
  std::string agents;   // where agents come to, of the controller's
  std::string renewed;  // RFC 3339
  bool live = false;    // its duration has not passed
};

// What runs made and left, or make just now.
struct RunObjects {
  std::size_t services = 0;
  std::size_t endpoint_slices = 0;
  std::size_t deployments = 0;
  std::size_t pods = 0;
  std::size_t namespaces = 0;

  [[nodiscard]] std::size_t total() const { return services + endpoint_slices + deployments + pods + namespaces; }
};

struct Facts {
  Inventory inventory;
  std::vector<HelmRelease> releases;
  std::vector<Workload> workloads;
  cluster::ClusterFacts cluster;  // nodes and pods alone
  bool nodes_seen = true;         // false: those that have pods
  std::optional<LeaseFacts> controller_lease;
  std::optional<LeaseFacts> run_lease;
  RunObjects run_objects;
  std::vector<std::string> not_seen;
};

// `now`: by which Leases are live.
using SystemTime = std::chrono::system_clock::time_point;
[[nodiscard]] Result<Facts> read_facts(kube::Client& client, SystemTime now);

// Of the last run, as the controller tells it.
struct LastRun {
  std::string id;
  std::string state;    // "running", "complete", "partial", "abandoned"
  std::string verdict;  // "pass", "fail", "not complete", "nothing runnable"; "" while it runs
};

struct PodView {
  std::string name;
  std::string version;
  bool ready = false;
  std::string state;
};

struct NodeView {
  std::string name;
  bool covered = false;
  std::string why_not;
  std::optional<PodView> agent;
  std::vector<PodView> anchors;
};

struct Installation {
  bool installed = false;
  std::string where;         // which cluster
  std::string installed_by;  // "Helm (release conntruth)", "kustomize", "kubectl-conntruth"
  std::string version;
  std::string image;
  std::optional<AgentProfile> profile;  // nothing: the agents' DaemonSet is not there, or may not be seen
  std::optional<PodView> controller;
  std::string controller_node;
  std::vector<NodeView> nodes;
  std::optional<LeaseFacts> controller_lease;
  std::optional<LeaseFacts> run_lease;
  std::optional<LastRun> last_run;
  RunObjects leftovers;
  std::vector<std::string> problems;  // what is not as it has to be
  std::vector<std::string> not_seen;  // what could not be looked at, and why

  // 2 there are problems, 1 none was seen but not all could be looked at, 0 all well, 3 not installed.
  [[nodiscard]] int exit_code() const;
};

[[nodiscard]] Installation assess(const Facts& facts, const std::string& where);

}  // namespace conntruth::install
