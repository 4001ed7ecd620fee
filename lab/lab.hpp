#pragma once
// A cluster on one machine from Linux namespaces: N nodes, pods on each, a fabric between them, an external client
// network, and a Service proxy per node. A node is a network, mount, PID and UTS namespace; the death of its init takes
// everything of the node with it. Nothing outside the lab's own namespaces and its directory under /run/conntruth/labs
// is touched.
//
// What exists is found by looking (init processes in /proc by their argument vector), never by trusting a file, so a
// lab whose creator was killed at any point can be found and removed. Errors: kPermission without root (CAP_SYS_ADMIN
// and CAP_NET_ADMIN), kConflict where the name is taken, kNotFound, kUnsupported with the missing kernel feature's
// name. Threading: one thread per Lab object; several processes may use one lab.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/model/topology.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth::lab {

// A lab's own Kubernetes API: etcd and kube-apiserver in the namespaces of its fabric.
struct KubernetesSpec {
  std::string version = {};   // "v1.36.3"; when asked for also "1.36", or "" for the newest that was built
  std::string programs = {};  // folder of kube-apiserver, kube-proxy, ...; "": what `./run setup kube` built
  // Also kube-controller-manager, kube-scheduler, CoreDNS, and containerd and a kubelet per node: real pods.
  bool kubelets = false;
  // After which a proxy that runs and is not ready has failed; for a loaded machine.
  std::chrono::seconds patience{60};
};

struct LabSpec {
  std::string name = "default";                                     // [a-z0-9-]{1,20}
  unsigned nodes = 3;                                               // 1..50
  unsigned pods_per_node = 2;                                       // 1..20
  std::vector<std::string> zones = {"zone-a", "zone-b", "zone-c"};  // dealt to the nodes in turn; empty: no zones
  bool ipv4 = true;
  bool ipv6 = true;
  // The Service proxy of every node that `node_proxies` does not name: "reference", "none", "kube-proxy:nftables" or
  // "kube-proxy:iptables" (with "@1.34" of another version than the API), or "command". The last two need `kubernetes`.
  std::string proxy = "reference";
  std::map<std::string, std::string> node_proxies = {};  // by node
  std::string proxy_command = {};  // what "command" runs: for a shell, with {kubeconfig}, {node}, {address}
  std::optional<KubernetesSpec> kubernetes = {};
};

// Reads a LabSpec from YAML (keys as the fields, strict: an unknown key is an error with its line).
[[nodiscard]] Result<LabSpec> read_lab_spec(std::string_view text, std::string_view origin);

struct NodeProcess {
  std::string node;
  pid_t init = 0;                      // as the host sees it
  pid_t proxy = 0;                     // 0: none is running
  std::string kind = {};               // "reference", "none", "kube-proxy:nftables@v1.36.3", "command"
  std::optional<int> proxy_exit = {};  // exit status of a proxy that follows the API and has ended
};

// One of the programs that make a lab a Kubernetes cluster, apart from the proxies.
struct ProgramState {
  std::string name;                   // "etcd", "kube-apiserver"
  pid_t pid = 0;                      // as the host sees it; 0: it is not running
  std::optional<int> exit_code = {};  // as a shell gives it
  std::string place = {};             // "fabric", "node-1"
};

// How to reach the API of a lab that has one.
struct KubernetesAccess {
  std::string kubeconfig;    // path, of an administrator
  std::string netns;         // path of the network namespace from which the API's address can be reached
  std::string version;       // "v1.36.3"
  std::string server;        // "https://172.31.0.1:6443"
  bool controllers = false;  // a controller-manager runs, too
  std::vector<ProgramState> programs;
};

struct ProxyReport {
  std::string node;
  std::uint64_t generation = 0;
  std::int64_t at_ns = 0;     // CLOCK_MONOTONIC when the transaction was in the kernel
  std::uint64_t changed = 0;  // objects changed by that transaction
  std::string error;
};

class Lab {
 public:
  // `progress` is told what has been done, one line each.
  using Progress = std::function<void(std::string_view)>;
  [[nodiscard]] static Result<Lab> up(const LabSpec& spec, const Progress& progress = {});
  [[nodiscard]] static Result<Lab> open(const std::string& name);
  [[nodiscard]] static std::vector<std::string> list();
  // Removes a lab, whole or half-built, in any state; kNotFound where there is no trace of it.
  [[nodiscard]] static Status down(const std::string& name);

  [[nodiscard]] const LabSpec& spec() const { return spec_; }
  [[nodiscard]] const Topology& topology() const { return topology_; }
  [[nodiscard]] std::vector<world::Node> nodes() const;  // as Kubernetes objects
  [[nodiscard]] Result<std::vector<NodeProcess>> processes() const;
  [[nodiscard]] std::string directory() const;  // "/run/conntruth/labs/NAME"; also visible inside the nodes

  // Nothing where the lab has no Kubernetes API, or where the namespaces that it ran in are gone.
  [[nodiscard]] std::optional<KubernetesAccess> kubernetes() const;

  // Writes the world for the reference proxies to follow (atomic rename of DIRECTORY/world.json). kUnsupported where
  // the lab has an API instead and no reference proxy: the other proxies follow that.
  [[nodiscard]] Status publish(const world::World& world);
  [[nodiscard]] std::vector<ProxyReport> proxy_reports() const;

  // Starts a command inside a node's namespaces (network, mount, PID, UTS) as a child of the caller, who has to wait
  // for it; returns its pid as the host sees it. `node` may be "external" for the external client or "fabric" for the
  // nodes' bridge and router. With `die_with_caller` it dies with the thread that called. Ends with the node in any
  // case: down() reaps what its own process had started and not waited for.
  struct Command {
    std::vector<std::string> argv;
    std::string pod;          // non-empty: the pod's network namespace instead of the node's
    std::string output_path;  // non-empty: stdout and stderr go there, else inherited
    bool die_with_caller = false;
  };
  [[nodiscard]] Result<pid_t> start(const std::string& node, const Command& command) const;
  // The same and waits; the value is the exit status as a shell gives it (128 + signal).
  [[nodiscard]] Result<int> run(const std::string& node, const Command& command) const;

 private:
  Lab(LabSpec spec, Topology topology) : spec_(std::move(spec)), topology_(std::move(topology)) {}
  LabSpec spec_;
  Topology topology_;
};

}  // namespace conntruth::lab
