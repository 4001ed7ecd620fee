#include "lab/topology/namespace_setup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "lab/topology/address_plan.hpp"
#include "lab/topology/fd.hpp"

namespace conntruth::lab {

namespace {

constexpr const char* kRunDirectory = "/run/conntruth";
constexpr const char* kLabsDirectory = "/run/conntruth/labs";

Status check(int returned, std::string_view attempted) {
  if (returned < 0) return fail_errno(attempted, errno);
  return {};
}

// A detached copy of what is mounted at (or visible below) `path`; an empty Fd where there is nothing.
Fd copy_tree(const char* path) {
  return Fd(::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
}

Status attach(const Fd& tree, const char* path) {
  return check(::move_mount(tree.get(), "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH), fmt::format("mount {}", path));
}

Status mount_sys() {
  struct Below {
    const char* path;
    Fd tree;
  };
  std::array<Below, 4> below{
      {{"/sys/fs/cgroup", {}}, {"/sys/fs/bpf", {}}, {"/sys/kernel/debug", {}}, {"/sys/kernel/tracing", {}}}};
  for (auto& each : below) each.tree = copy_tree(each.path);
  if (auto done = check(::mount("sysfs", "/sys", "sysfs", 0, nullptr), "mount /sys"); !done) return done;
  for (const auto& each : below) {
    if (!each.tree || ::access(each.path, F_OK) != 0) continue;
    if (auto done = attach(each.tree, each.path); !done) return done;
  }
  return {};
}

Status mount_run() {
  const auto labs = copy_tree(kLabsDirectory);
  if (!labs) return fail_errno(std::string("open ") + kLabsDirectory, errno);
  if (auto done = check(::mount("tmpfs", kRunDirectory, "tmpfs", 0, "mode=755"), "mount /run/conntruth"); !done) {
    return done;
  }
  for (const auto* path : {kLabsDirectory, kPodDirectory.data()}) {
    if (auto done = check(::mkdir(path, 0755), std::string("mkdir ") + path); !done) return done;
  }
  return attach(labs, kLabsDirectory);
}

struct Setting {
  const char* name;  // below /proc/sys/net
  const char* value;
  bool optional = false;  // not every kernel has it
};

Status write_setting(const Setting& setting) {
  const auto path = std::string("/proc/sys/net/") + setting.name;
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const std::string_view value = setting.value;
  if (file && ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size())) return {};
  if (setting.optional) return {};
  return fail_errno(fmt::format("write {} to {}", value, path), errno);
}

constexpr std::array kEverywhere = std::to_array<Setting>({
    {"ipv4/conf/all/rp_filter", "0"},
    {"ipv4/conf/default/rp_filter", "0"},
    {"ipv4/conf/all/send_redirects", "0"},
    {"ipv4/conf/default/send_redirects", "0"},
    {"ipv4/icmp_ratemask", "0"},
    {"ipv4/icmp_ratelimit", "0"},
    {"ipv6/conf/all/disable_ipv6", "0", true},
    {"ipv6/conf/default/disable_ipv6", "0", true},
    {"ipv6/conf/all/accept_dad", "0", true},
    {"ipv6/conf/default/accept_dad", "0", true},
    {"ipv6/conf/default/accept_ra", "0", true},
    // No link-local addresses: they would bring router solicitations, multicast reports and redirects along.
    {"ipv6/conf/default/addr_gen_mode", "1", true},
    {"ipv6/icmp/ratelimit", "0", true},
    {"ipv6/icmp/ratemask", "\n", true},  // the empty list: no type is limited
    {"bridge/bridge-nf-call-iptables", "0", true},
    {"bridge/bridge-nf-call-ip6tables", "0", true},
});

constexpr std::array kForwarding = std::to_array<Setting>({
    {"ipv4/ip_forward", "1"},
    {"ipv6/conf/all/forwarding", "1", true},
    {"ipv6/conf/default/forwarding", "1", true},
    // A full check makes hundreds of thousands of flows in seconds, and the maximum of the conntrack table belongs to
    // the host. Finished flows leave early, or the table would fill up and evict flows that wait for their answer, and
    // kube-proxy would read it for seconds. Above the 2 s that an answer is awaited.
    {"netfilter/nf_conntrack_udp_timeout", "4", true},
    {"netfilter/nf_conntrack_tcp_timeout_close", "1", true},
    // A probe's handshake ends with its second packet. Above the time that the third of a real one is ever away.
    {"netfilter/nf_conntrack_tcp_timeout_syn_recv", "2", true},
    // Flows that were left unfinished, by a fault for one, must be forgotten before source ports come round (40 s).
    {"netfilter/nf_conntrack_tcp_timeout_syn_sent", "10", true},
    {"netfilter/nf_conntrack_tcp_timeout_fin_wait", "10", true},
    {"netfilter/nf_conntrack_tcp_timeout_time_wait", "10", true},
    {"netfilter/nf_conntrack_tcp_timeout_close_wait", "10", true},
    {"netfilter/nf_conntrack_tcp_timeout_last_ack", "10", true},
    {"netfilter/nf_conntrack_tcp_timeout_max_retrans", "10", true},
    {"netfilter/nf_conntrack_tcp_timeout_unacknowledged", "10", true},
});

Status make_pod_namespace(const std::string& name) {
  if (auto done = check(::unshare(CLONE_NEWNET), "make a network namespace for " + name); !done) return done;
  if (auto done = apply_sysctls(false); !done) return done;
  const auto path = fmt::format("{}/{}", kPodDirectory, name);
  const Fd file(::open(path.c_str(), O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0444));
  if (!file) return fail_errno("create " + path, errno);
  return check(::mount("/proc/self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr), "bind " + path);
}

}  // namespace

Status mount_node_view() {
  if (auto done = check(::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make mounts private"); !done) {
    return done;
  }
  if (auto done = check(::mount("proc", "/proc", "proc", 0, nullptr), "mount /proc"); !done) return done;
  if (auto done = mount_sys(); !done) return done;
  return mount_run();
}

Status apply_sysctls(bool forwards) {
  if (forwards) {  // first: it resets others
    for (const auto& setting : kForwarding) {
      if (auto done = write_setting(setting); !done) return done;
    }
  }
  for (const auto& setting : kEverywhere) {
    if (auto done = write_setting(setting); !done) return done;
  }
  return {};
}

Status make_pod_namespaces(const std::vector<std::string>& names) {
  const Fd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own) return fail_errno("open /proc/self/ns/net", errno);
  for (const auto& name : names) {
    if (auto done = make_pod_namespace(name); !done) return done;
  }
  return check(::setns(own.get(), CLONE_NEWNET), "return to the node's network namespace");
}

}  // namespace conntruth::lab
