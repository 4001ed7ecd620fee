#pragma once
// What containerd and the kubelet of a lab's node are told: pure functions from the lab's specification. Everything
// they write lies in the node's own mounts and dies with them; their containers' cgroups lie below
// lab/topology/cgroups. Sources: containerd/docs/cri/config.md (1.6);
// kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1; containernetworking: plugins/main/ptp,
// plugins/ipam/host-local. Threading: pure functions.

#include <string>
#include <vector>

#include "lab/kubernetes/programs.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab {

inline constexpr const char* kContainerdSocket = "/run/containerd/containerd.sock";
inline constexpr const char* kCniProgram = "conntruth-lab-cni";
inline constexpr const char* kPauseImage = "conntruth.lab/pause:lab";

// Where a node's programs find what was written for them.
struct NodeFiles {
  std::string directory;  // "…/kubernetes/node-1"
  [[nodiscard]] std::string containerd() const { return directory + "/containerd.toml"; }
  [[nodiscard]] std::string cni() const { return directory + "/cni"; }
  [[nodiscard]] std::string kubelet() const { return directory + "/kubelet.json"; }
  [[nodiscard]] std::string kubeconfig() const { return directory + "/kubelet.kubeconfig"; }
};

// For the shell of a node, once, before anything else of a kubelet's node: a /run and /var of its own, mounts that
// containers can see, cgroups below the lab's, and in place of the kernel settings that a kubelet would change files
// with the values it wants.
[[nodiscard]] std::string mount_script(const std::string& lab);

// For the shell that becomes containerd; "$1" is its configuration.
[[nodiscard]] std::string containerd_script();
// `plugins`: the folder of all CNI plug-ins.
[[nodiscard]] std::string containerd_config(const ContainerRuntime& runtime, const std::string& plugins,
                                            const NodeFiles& files);
// Pods' addresses beyond those of the lab's own pods; a pod's gateway is the node's own address, so that masquerade
// towards a local pod shows a real address of the node.
[[nodiscard]] std::string cni_config(const LabSpec& spec, unsigned node);
[[nodiscard]] std::string kubelet_config(const LabSpec& spec);
[[nodiscard]] std::vector<std::string> kubelet_arguments(const LabSpec& spec, unsigned node, const NodeFiles& files);

}  // namespace conntruth::lab
