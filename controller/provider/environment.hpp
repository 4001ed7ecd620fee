#pragma once
// The environment a run takes place in: who the nodes are, how a world gets to the dataplane under test, how agents are
// started. The lab is one; a cluster behind its API is another. Logic never asks which one it has.
// Threading: called from the run's thread only.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/model/topology.hpp"
#include "common/result.hpp"
#include "common/world/existing.hpp"
#include "common/world/world.hpp"

namespace conntruth {

// When one node's dataplane says that it has a generation of the world in the kernel (its own claim, beside our
// probes).
struct Programmed {
  std::string node;
  std::uint64_t generation = 0;
  std::int64_t at_ns = 0;  // CLOCK_MONOTONIC
  std::string error;       // set: it could not program it
  bool operator==(const Programmed&) const = default;
};

class Workloads;

class Environment {
 public:
  virtual ~Environment() = default;
  [[nodiscard]] virtual const Topology& topology() const = 0;
  // Nodes as Kubernetes objects, for the world: names, zones, addresses, labels, taints.
  [[nodiscard]] virtual std::vector<world::Node> nodes() const = 0;
  // What serves Services on each node, where that is known: "kube-proxy:nftables@v1.36.3".
  [[nodiscard]] virtual std::map<std::string, std::string> dataplanes() const { return {}; }
  // The Services that are there, as they are now; only reads. kUnsupported where there is no API to read them from.
  [[nodiscard]] virtual Result<world::Existing> existing() {
    return fail(ErrorCode::kUnsupported, "there is no Kubernetes API here to read Services from");
  }
  // In one word: "lab", "cluster".
  [[nodiscard]] virtual std::string kind() const = 0;
  // Release of the nodes' kernels, several with commas.
  [[nodiscard]] virtual std::string kernel() const = 0;
  // What there is and this run cannot probe, a line each: "node-3 is not ready: ...". A run with any is never complete.
  [[nodiscard]] virtual std::vector<std::string> uncovered() const { return {}; }
  // Do the nodes' kernels limit the ICMP errors that they send?
  [[nodiscard]] virtual bool limits_icmp() const { return false; }
  // Real Deployments (workloads.hpp), where the environment has them and was told to; else null.
  [[nodiscard]] virtual Workloads* workloads() { return nullptr; }
  // May worlds taint Nodes and delete them?
  [[nodiscard]] virtual bool nodes_may_change() const { return true; }
  // False: a run goes on without the nodes whose agents do not come, and is not complete.
  [[nodiscard]] virtual bool needs_every_agent() const { return true; }
  // For a message: where to look when an agent does not come.
  [[nodiscard]] virtual std::string where_agents_log() const = 0;
  // How many agents shall probe at the same time.
  [[nodiscard]] virtual std::size_t at_a_time() const { return SIZE_MAX; }
  // Starts one agent per node and external client; they connect to `endpoint` (a gRPC target). kUnavailable names
  // the node whose agent did not start.
  [[nodiscard]] virtual Status start_agents(const std::string& endpoint) = 0;
  // Ends them and waits until they are gone. Never fails: what is gone is gone.
  virtual void stop_agents() = 0;
  // Hands the world to every node's dataplane, its last Service after everything else, so that a dataplane that has
  // followed the change of that one has followed them all. Returns CLOCK_MONOTONIC in ns just before the last Service
  // was handed over; does not wait for the dataplane.
  [[nodiscard]] virtual Result<std::int64_t> publish(const world::World& world) = 0;
  // Within what time every node's dataplane has to follow, and for how long it is worth waiting for one that does not.
  struct Patience {
    std::chrono::milliseconds bound;
    std::chrono::milliseconds limit;  // from the bound on
    // Within what time flows that lived before the change have to be moved: a dataplane may tidy conntrack up later.
    std::chrono::milliseconds old_flows;
    // How long an answer is awaited: above what a healthy network and the machine's scheduler ever take.
    std::chrono::milliseconds answer;
    // Between two probes of a flow that keeps its 5-tuple over the steps of a scenario. As it stands conntrack takes
    // the flow for a stream, which it remembers: PlanOptions::fixed_flow. Less where it remembers such flows anyway.
    std::chrono::milliseconds fixed_pace{300};
  };
  [[nodiscard]] virtual Patience patience() const = 0;
  // Waits until every node's dataplane has said that it has `generation` in the kernel, or until `deadline`;
  // event-driven. Returns what was said; nodes that said nothing are missing.
  [[nodiscard]] virtual std::vector<Programmed> wait_programmed(std::uint64_t generation,
                                                                std::chrono::steady_clock::time_point deadline) = 0;
};

}  // namespace conntruth
