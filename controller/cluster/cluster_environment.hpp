#pragma once
// A real cluster as the environment of a run. Worlds are written into the API under the Lease conntruth/run; agents
// wait on the nodes and come while the Lease conntruth-system/conntruth-controller names where the controller listens.
//
// Nodes are never written. What the cluster has that no agent covers is told by uncovered(). A run that ends early
// leaves nothing: the destructor sweeps what publish() wrote. Errors: those of kube::Client (with the missing right),
// kConflict while another run goes on. Threading: the run's thread only; the client's own threads renew the Leases.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/cluster/cluster_topology.hpp"
#include "controller/cluster/cluster_workloads.hpp"
#include "controller/kube/run_lease.hpp"
#include "controller/kube/world_publisher.hpp"
#include "controller/provider/environment.hpp"

namespace conntruth::cluster {

inline constexpr std::string_view kAgentsAnnotation = "conntruth.io/agents";

struct ClusterOptions {
  TopologyOptions topology;
  std::string system_namespace = "conntruth-system";
  std::string holder;      // of the Leases: the controller's pod
  unsigned slowness = 1;   // how many times longer than usual dataplanes and networks may take
  bool admission = true;   // agents' tokens are reviewed
  bool workloads = false;  // real Deployments are made
  bool reading = false;    // the run writes nothing but the Lease that agents look for
  std::string owner;       // JSON of an owner reference for what lives in the system namespace; "" for none
};

class ClusterEnvironment final : public Environment {
 public:
  // Reads the cluster. The client must outlive the value.
  [[nodiscard]] static Result<std::unique_ptr<ClusterEnvironment>> open(kube::Client& client, ClusterOptions options);
  ~ClusterEnvironment() override;
  ClusterEnvironment(const ClusterEnvironment&) = delete;
  ClusterEnvironment& operator=(const ClusterEnvironment&) = delete;

  [[nodiscard]] const Topology& topology() const override { return topology_.topology; }
  [[nodiscard]] std::vector<world::Node> nodes() const override;
  [[nodiscard]] std::string kind() const override { return "cluster"; }
  [[nodiscard]] std::string kernel() const override;
  [[nodiscard]] std::vector<std::string> uncovered() const override { return topology_.uncovered; }
  [[nodiscard]] Workloads* workloads() override { return workloads_.get(); }
  [[nodiscard]] bool limits_icmp() const override { return true; }
  [[nodiscard]] bool nodes_may_change() const override { return false; }
  [[nodiscard]] bool needs_every_agent() const override { return false; }
  [[nodiscard]] std::string where_agents_log() const override;
  [[nodiscard]] Result<world::Existing> existing() override;
  // `endpoint`: "10.244.1.5:7443", where agents reach this process.
  [[nodiscard]] Status start_agents(const std::string& endpoint) override;
  void stop_agents() override { agents_lease_.reset(); }
  // A world without Services ends the run: everything is swept.
  [[nodiscard]] Result<std::int64_t> publish(const world::World& world) override;
  [[nodiscard]] Patience patience() const override;
  // Dataplanes of a real cluster say nothing that could be relied upon: the canary's probes tell.
  [[nodiscard]] std::vector<Programmed> wait_programmed(std::uint64_t /*generation*/,
                                                        std::chrono::steady_clock::time_point /*deadline*/) override {
    return {};
  }

 private:
  ClusterEnvironment(kube::Client& client, ClusterOptions options, ClusterFacts facts, ClusterTopology topology,
                     kube::ClusterWorld world)
      : client_(client),
        options_(std::move(options)),
        facts_(std::move(facts)),
        topology_(std::move(topology)),
        world_(std::move(world)) {}
  [[nodiscard]] Status open_workloads();
  [[nodiscard]] Status hold_run_lease();
  [[nodiscard]] Status sweep();

  kube::Client& client_;
  ClusterOptions options_;
  ClusterFacts facts_;
  ClusterTopology topology_;
  kube::WorldPublisher world_;
  std::unique_ptr<ClusterWorkloads> workloads_;
  std::unique_ptr<kube::RunLease> run_lease_;
  bool written_ = false;  // there may be objects of ours
  std::unique_ptr<kube::RunLease> agents_lease_;
};

// Removes what runs left that are dead; false: there was nothing. kConflict: the Lease says that one is alive.
[[nodiscard]] Result<bool> sweep_leftovers(kube::Client& client, const std::string& system_namespace,
                                           const std::string& holder);

}  // namespace conntruth::cluster
