#pragma once
// Real Deployments in the namespace of the worlds of a cluster, and what becomes of them, by watching.
//
// Errors: those of kube::Client (with the missing right). Their pods are made from the image of the controller's own
// Deployment. Threading: as Workloads.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controller/cluster/workload_objects.hpp"
#include "controller/provider/workloads.hpp"
#include "kube/client.hpp"
#include "kube/reflector.hpp"

namespace conntruth::cluster {

class ClusterWorkloads final : public Workloads {
 public:
  // `hosts`: the nodes that pods may be on, by their label kubernetes.io/hostname. The client must outlive the value.
  [[nodiscard]] static Result<std::unique_ptr<ClusterWorkloads>> open(kube::Client& client,
                                                                      const std::string& system_namespace,
                                                                      std::vector<std::string> hosts);
  ~ClusterWorkloads() override { unwatch(); }

  [[nodiscard]] Status watch(std::function<void()> wake) override;
  [[nodiscard]] Status apply(const Workload& workload) override;
  [[nodiscard]] Status set_ready(const std::string& pod, bool ready) override;
  [[nodiscard]] WorkloadSight sight() override;
  [[nodiscard]] std::vector<SliceChange> changes_from(std::size_t first) override;
  [[nodiscard]] Result<world::World> read_world() override;
  void unwatch() override { reflectors_.clear(); }

 private:
  ClusterWorkloads(kube::Client& client, PodImage image, std::vector<std::string> hosts)
      : client_(client), image_(std::move(image)), hosts_(std::move(hosts)) {}
  void observe(const kube::Resource& resource, void (ClusterWorkloads::*take)(const kube::ObjectEvent&));
  void take_pod(const kube::ObjectEvent& event);
  void take_deployment(const kube::ObjectEvent& event);
  void take_slice(const kube::ObjectEvent& event);
  [[nodiscard]] std::vector<world::EndpointSlice> slices_of(const std::string& service) const;  // with the lock held

  kube::Client& client_;
  const PodImage image_;
  const std::vector<std::string> hosts_;
  std::function<void()> wake_;
  std::mutex mutex_;
  WorkloadSight sight_;                                 // guarded, without slices
  std::map<std::string, world::EndpointSlice> slices_;  // guarded; by name
  std::vector<SliceChange> changes_;                    // guarded
  std::vector<std::unique_ptr<kube::Reflector>> reflectors_;
};

}  // namespace conntruth::cluster
