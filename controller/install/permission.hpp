#pragma once
// Whether we may make an install, asked of the API server before anything is made, and in words that can be applied
// what is missing. Besides verbs on objects: nobody can give rights in a Role that he has not himself, unless he may
// `escalate` and `bind`. Source: kubernetes.io/docs/reference/access-authn-authz/rbac#privilege-escalation-prevention-
// and-bootstrapping. Threading: the caller's thread.

#include <string>
#include <vector>

#include "common/result.hpp"
#include "controller/cluster/rights.hpp"
#include "controller/install/objects.hpp"
#include "kube/client.hpp"

namespace conntruth::install {

// For each kind and namespace among `objects`.
[[nodiscard]] std::vector<cluster::Right> rights_on(const std::vector<Object>& objects,
                                                    const std::vector<std::string>& verbs);
// What the Roles and ClusterRoles among `objects` give.
[[nodiscard]] Result<std::vector<cluster::Right>> rights_given_by(const std::vector<Object>& objects);

// kPermission: a line with every verb and resource that is missing, and below it the YAML that grants them.
[[nodiscard]] Status check_install_rights(kube::Client& client, const std::vector<Object>& objects);
// The same of removing an install and what runs have left.
[[nodiscard]] Status check_removal_rights(kube::Client& client);

// A ClusterRole and its binding to `user`.
[[nodiscard]] std::string granting_yaml(const std::string& name, const std::string& user,
                                        const std::vector<cluster::Right>& rights);

}  // namespace conntruth::install
