#pragma once
// The anchors of this node: pods that own a network namespace for us. Found in /proc by their command line, believed by
// their address: a process is an anchor where its namespace has an address that the API gives to an anchor pod of this
// node. So no other pod can pass for one, and of two generations in a rollout the right one is taken.
// Threading: find_anchors() from any thread; Anchors are values, still_there() from any.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/io/fd.hpp"
#include "common/address.hpp"
#include "common/model/probe.hpp"
#include "common/result.hpp"
#include "kube/client.hpp"

namespace conntruth::agent {

struct Anchor {
  NamespaceName place;  // "NODE-pod-N"
  pid_t pid = -1;
  io::Fd process;    // pidfd: says when the process has ended, whoever has its number then
  io::Fd space;      // keeps the namespace; a path to it would lead to whoever has the number later
  std::string path;  // of `space`, for as long as this object lives

  // kUnavailable naming the place, once the process has ended.
  [[nodiscard]] Status still_there() const;
};

// Addresses of this node's anchor pods that are not being deleted. Rights: list pods in that namespace.
[[nodiscard]] Result<std::set<IpAddress>> anchor_addresses(kube::Client& client, const std::string& namespace_name,
                                                           const std::string& node);
// The same of a PodList in JSON.
[[nodiscard]] Result<std::set<IpAddress>> addresses_in(const std::string& pod_list);

struct AnchorSearch {
  std::vector<Anchor> anchors;        // by place
  std::vector<std::string> doubtful;  // processes of that name that were not taken, with why
};
// kPermission where a namespace may not be opened or entered.
[[nodiscard]] Result<AnchorSearch> find_anchors(const std::string& node, const std::set<IpAddress>& addresses);

// A pod of a workload: a process `conntruth-anchor workload` whose namespace has one of these addresses. kNotFound
// names the place, where there is none within two seconds, for a container that has just begun; kPermission as above.
[[nodiscard]] Result<Anchor> find_workload_pod(const NamespaceName& place, const std::vector<IpAddress>& addresses);

}  // namespace conntruth::agent
