#pragma once
// What a node's init does to its own fresh namespaces before it reports ready: private mounts, /proc and /sys of the
// node, host name, sysctls, pods' network namespaces. Runs as process 1 of the node, single-threaded; no other process
// ever calls it.

#include <string>
#include <vector>

#include "common/result.hpp"

namespace conntruth::lab {

// Makes mounts private, mounts the node's own /proc and /sys (what is mounted below /sys, such as cgroups, stays
// visible) and an own /run/conntruth with `labs` (the host's) and `pods` (the node's). Dies with the namespace.
[[nodiscard]] Status mount_node_view();

// Settings of the current network namespace; devices made later inherit them. `forwards`: a node or the fabric.
// A limit on ICMP errors would turn a refusal into silence, so there is none.
[[nodiscard]] Status apply_sysctls(bool forwards);

// One new network namespace per name, bound to /run/conntruth/pods/NAME.
[[nodiscard]] Status make_pod_namespaces(const std::vector<std::string>& names);

}  // namespace conntruth::lab
