#include "lab/kubernetes/node_runtime.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lab/kubernetes/cluster_parts.hpp"
#include "lab/topology/address_plan.hpp"
#include "lab/topology/cgroups.hpp"

namespace conntruth::lab {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kFirstPodOfKubelet = 64;  // the lab's own pods are hosts 10 to 29
constexpr unsigned kMostPods = 180;

}  // namespace

// /var as an overlay, because what runs in a node may read it; containerd's layers cannot lie on an overlay. /run/
// conntruth goes along with what is mounted below it. Kernel settings belong to the whole machine: a kubelet wants
// these (kubelet/cm, setupKernelTunables) and writes none that it finds right. Cgroups are the machine's too: in place
// of each hierarchy the node sees its own part of it, because containerd puts pods at the top (v1: one folder for each
// hierarchy; v2: the file system itself, where a parent has to pass controllers on).
std::string mount_script(const std::string& lab) {
  return "set -e\npart=" + cgroup_of(lab) + R"(/$(hostname)
own_cgroup() {
  mkdir -p "$1$part"
  for below in "$1${part%/*}" "$1$part"; do
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$1/cgroup.clone_children" ] || [ ! -e "$1/$file" ] || cat "$1/$file" >"$below/$file"
    done
  done
  for above in "$1" "$1${part%/*}"; do
    for controller in $(cat "$1/cgroup.controllers" 2>/dev/null); do
      echo "+$controller" >"$above/cgroup.subtree_control" 2>/dev/null || true
    done
  done
  mount --bind "$1$part" "$1"
}
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  own_cgroup /sys/fs/cgroup
else
  for hierarchy in /sys/fs/cgroup/*; do [ -L "$hierarchy" ] || [ ! -e "$hierarchy/cgroup.procs" ] || own_cgroup "$hierarchy"; done
fi
own=/run/conntruth/node
mkdir -p $own/var $own/work $own/run/conntruth $own/settings
mount -t overlay -o lowerdir=/var,upperdir=$own/var,workdir=$own/work overlay /var
mkdir -p /var/lib/containerd /var/lib/kubelet
mount -t tmpfs -o mode=711 tmpfs /var/lib/containerd
mount -t tmpfs -o mode=755 tmpfs /var/lib/kubelet
setting() { echo "$2" >"$own/settings/${1##*/}"; mount --bind "$own/settings/${1##*/}" "/proc/sys/$1"; }
setting vm/overcommit_memory 1
setting vm/panic_on_oom 0
setting kernel/panic 10
setting kernel/panic_on_oops 1
setting kernel/keys/root_maxkeys 1000000
setting kernel/keys/root_maxbytes 25000000
mount --rbind /run/conntruth $own/run/conntruth
mount --rbind $own/run /run
mount --make-rshared /
)";
}

// Within a cgroup namespace of the node's own, so that the paths which runc reads (/proc/self/cgroup, mountinfo) are
// those below the node's part. With v2 a cgroup that passes controllers on may hold no process, hence the leaf.
std::string containerd_script() {
  return R"(set -e
into() { [ -L "$1" ] || [ ! -e "$1/cgroup.procs" ] || echo $$ >"$1/cgroup.procs"; }
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  into /sys/fs/cgroup
else
  for hierarchy in /sys/fs/cgroup/*; do into "$hierarchy"; done
fi
exec unshare --cgroup /bin/sh -ec '
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p /sys/fs/cgroup/runtime
    echo $$ >/sys/fs/cgroup/runtime/cgroup.procs
  fi
  exec containerd --log-level warn --config "$1"' sh "$1"
)";
}

std::string containerd_config(const ContainerRuntime& runtime, const std::string& plugins, const NodeFiles& files) {
  return fmt::format(
      R"(version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing", "io.containerd.internal.v1.opt"]

[grpc]
address = "{}"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
disable_hugetlb_controller = true
tolerate_missing_hugetlb_controller = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "{}/runc"
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{}"
conf_dir = "{}"
)",
      kContainerdSocket, kPauseImage, runtime.programs, plugins, files.cni());
}

std::string cni_config(const LabSpec& spec, unsigned node) {
  const auto planned = plan_node(spec, node);
  Json ipam = {{"type", "host-local"}, {"dataDir", "/var/lib/cni"}};
  for (const auto& prefix : pod_prefixes(spec, node)) {
    const auto family = prefix.address.family();
    const Json range = {{"subnet", prefix.to_string()},
                        {"rangeStart", prefix.at(kFirstPodOfKubelet).to_string()},
                        {"rangeEnd", prefix.at(kFirstPodOfKubelet + kMostPods).to_string()},
                        {"gateway", address_of(planned.addresses, family).to_string()}};
    ipam["ranges"].push_back(Json::array({range}));
  }
  const Json document = {
      {"cniVersion", "0.4.0"}, {"name", "lab"}, {"plugins", Json::array({{{"type", kCniProgram}, {"ipam", ipam}}})}};
  return document.dump(2) + "\n";
}

// No levels of cgroups for quality of service, because a lab limits nothing; no eviction, because its disk is the
// machine's.
std::string kubelet_config(const LabSpec& spec) {
  Json document = {{"apiVersion", "kubelet.config.k8s.io/v1beta1"}, {"kind", "KubeletConfiguration"}};
  document["containerRuntimeEndpoint"] = fmt::format("unix://{}", kContainerdSocket);
  document["cgroupDriver"] = "cgroupfs";
  document["cgroupsPerQOS"] = false;
  document["enforceNodeAllocatable"] = Json::array();
  document["failCgroupV1"] = false;
  document["failSwapOn"] = false;
  document["localStorageCapacityIsolation"] = false;
  document["evictionHard"] = Json::object();
  document["imageGCHighThresholdPercent"] = 100;
  document["makeIPTablesUtilChains"] = false;
  document["maxPods"] = kMostPods;
  document["resolvConf"] = "";
  document["clusterDomain"] = kClusterDomain;
  document["clusterDNS"] = {dns_address(spec).to_string()};
  document["volumePluginDir"] = "/var/lib/kubelet/volume-plugins";
  document["authentication"] = {{"anonymous", {{"enabled", true}}}, {"webhook", {{"enabled", false}}}};
  document["authorization"] = {{"mode", "AlwaysAllow"}};
  return document.dump(2) + "\n";
}

std::vector<std::string> kubelet_arguments(const LabSpec& spec, unsigned node, const NodeFiles& files) {
  const auto planned = plan_node(spec, node);
  std::string addresses;
  for (const auto& address : planned.addresses) addresses += (addresses.empty() ? "" : ",") + address.to_string();
  return {"--config=" + files.kubelet(), "--kubeconfig=" + files.kubeconfig(), "--hostname-override=" + planned.name,
          "--node-ip=" + addresses};
}

}  // namespace conntruth::lab
