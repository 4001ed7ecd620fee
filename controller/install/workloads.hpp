#pragma once
// The DaemonSets and the Deployment of an install, and whether their pods are as they have to be.
// Source: apps/v1 DaemonSetStatus, DeploymentStatus; `kubectl rollout status`.
//
// Errors: those of kube::Client; kInvalidInput for an object that cannot be read. Threading: the caller's thread.

#include <chrono>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "controller/install/installer.hpp"
#include "controller/install/objects.hpp"
#include "kube/client.hpp"

namespace conntruth::install {

struct Workload {
  const kube::Resource* kind = nullptr;
  std::string name;
  std::string component;  // "agent", "anchor", "controller"
  std::string managed_by;
  std::string version;  // label app.kubernetes.io/version of its pods
  std::string image;
  AgentProfile profile = AgentProfile::kMatrix;  // of agents: whether they may load programs into the kernel
  bool observed = false;                         // its controller has seen what it is now
  int wanted = 0;
  int updated = 0;  // pods as it is now
  int ready = 0;

  [[nodiscard]] bool is_up() const { return observed && wanted > 0 && updated >= wanted && ready >= wanted; }
};

[[nodiscard]] Result<Workload> read_workload(const kube::Resource& kind, const std::string& json);
[[nodiscard]] Result<std::vector<Workload>> read_workloads(kube::Client& client);

// "agent 2 of 3 ready, anchor 6 of 6 ready, controller 0 of 1 ready"
[[nodiscard]] std::string words_of(const std::vector<Workload>& workloads);

// Comes back once all are up. kUnavailable after `timeout` with what is not ready and why.
[[nodiscard]] Result<std::vector<Workload>> await_workloads(kube::Client& client, std::chrono::seconds timeout,
                                                            const Say& say);

}  // namespace conntruth::install
