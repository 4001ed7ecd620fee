#pragma once
// What a run may have to do in a cluster, asked of the API server before anything is done, so that nothing is
// half-applied for want of a right. Source: authorization.k8s.io/v1 SelfSubjectAccessReview, which everybody may ask.
// Threading: the caller's thread.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "kube/client.hpp"

namespace conntruth::cluster {

struct Right {
  std::string group;
  std::string resource;  // "services", "services/status"
  std::vector<std::string> verbs;
  std::string namespace_name;  // "": in all of them, or without any
  std::string name;            // "": of any
};

// Of the controller; `ranges`: ServiceCIDR objects are read.
[[nodiscard]] std::vector<Right> rights_of_a_run(const std::string& system_namespace, bool ranges, bool admission);

// What real Deployments need besides.
[[nodiscard]] std::vector<Right> rights_of_workloads(const std::string& system_namespace);

// The same of a run that reads: what is written is the Lease that agents look for.
[[nodiscard]] std::vector<Right> rights_of_a_reading(const std::string& system_namespace, bool ranges, bool admission);

// Those of `rights` that we do not have, with the verbs that are missing.
[[nodiscard]] Result<std::vector<Right>> missing_rights(kube::Client& client, const std::vector<Right>& rights);

// kPermission names every right that is missing, as rules of a ClusterRole (or a Role, where a namespace is named).
[[nodiscard]] Status check_rights(kube::Client& client, const std::vector<Right>& rights);

}  // namespace conntruth::cluster
