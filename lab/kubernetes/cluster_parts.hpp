#pragma once
// What a cluster with kubelets has beside etcd, the API server and its nodes: kube-controller-manager, kube-scheduler
// and CoreDNS. Pure functions from the lab's specification.
// Sources: kubernetes.io/docs/reference/command-line-tools-reference; kubernetes/cluster/addons/dns. Threading: pure.

#include <string>
#include <string_view>
#include <vector>

#include "common/address.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab {

inline constexpr std::string_view kDnsDeployment = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";

// `directory` holds server.crt, server.key and controller-manager.kubeconfig.
[[nodiscard]] std::vector<std::string> controller_manager_arguments(const LabSpec& spec, const std::string& directory);
[[nodiscard]] std::vector<std::string> scheduler_arguments(const std::string& directory);  // scheduler.kubeconfig

// The cluster's DNS, in a lab with kubelets.
[[nodiscard]] IpAddress dns_address(const LabSpec& spec);

struct ApiObject {
  std::string collection;  // "/api/v1/namespaces/kube-system/services"
  std::string json;
};
// In an order in which they can be made. Two pods where there are two nodes.
[[nodiscard]] std::vector<ApiObject> dns_objects(const LabSpec& spec);

// Whether a Deployment, as the API tells it, has all its pods available; a Node: whether it is Ready.
[[nodiscard]] bool is_available(std::string_view deployment);
[[nodiscard]] bool is_ready_node(std::string_view node);

}  // namespace conntruth::lab
