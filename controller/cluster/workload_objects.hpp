#pragma once
// Deployments, Services and pods of a run as the API takes and tells them. Internal to the room.
//
// A pod's readiness has a part that is ours: the readiness gate conntruth.io/answering. So a pod counts as ready only
// once an agent answers in it, and can be taken out of its Services by one write to its status.
// Sources: apps/v1 Deployment, core/v1 Pod; KEP-580 (readiness gates), KEP-3094 and KEP-3243 (spreading).
// Threading: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/provider/workloads.hpp"

namespace conntruth::cluster {

inline constexpr std::string_view kWorkloadLabel = "conntruth.io/workload";
inline constexpr std::string_view kReadinessGate = "conntruth.io/answering";

// What pods are made from: as our own pod is.
struct PodImage {
  std::string image;
  std::string pull_policy;                // "": the API's default
  std::vector<std::string> pull_secrets;  // of the pods' namespace
};
// Of the first container of a Deployment in JSON. kInvalidInput where it names none.
[[nodiscard]] Result<PodImage> image_of(std::string_view deployment);

// `hosts`: values of the label kubernetes.io/hostname of the nodes that pods may be on.
[[nodiscard]] std::string deployment_body(const Workload& workload, const PodImage& image,
                                          const std::vector<std::string>& hosts);
[[nodiscard]] std::string service_body(const Workload& workload, const WorkloadService& service);
// A strategic merge patch of a Pod's status: conditions are merged by their type.
[[nodiscard]] std::string readiness_body(bool ready);

// kInvalidInput for what is no Pod.
[[nodiscard]] Result<WorkloadPod> read_workload_pod(std::string_view pod);
// Why a Deployment's pods cannot be made, as it says itself ("exceeded quota: ..."); "" where it says nothing.
[[nodiscard]] std::string trouble_of_deployment(std::string_view deployment);

}  // namespace conntruth::cluster
