#include "controller/install/kinds.hpp"

#include <fmt/core.h>

#include <array>

namespace conntruth::install {
namespace {

using kube::Resource;

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kCertManager = "cert-manager.io";

constexpr std::array kKinds = {kube::kNamespaces,
                               Resource{"scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false},
                               Resource{"", "v1", "serviceaccounts", "ServiceAccount", true},
                               Resource{kRbac, "v1", "clusterroles", "ClusterRole", false},
                               Resource{kRbac, "v1", "roles", "Role", true},
                               Resource{kRbac, "v1", "clusterrolebindings", "ClusterRoleBinding", false},
                               Resource{kRbac, "v1", "rolebindings", "RoleBinding", true},
                               Resource{"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true},
                               kube::kSecrets,
                               Resource{kCertManager, "v1", "issuers", "Issuer", true},
                               Resource{kCertManager, "v1", "certificates", "Certificate", true},
                               kDaemonSets,
                               kube::kDeployments};

}  // namespace

std::span<const Resource> kinds() { return kKinds; }

bool is_looked_for(const Resource& kind) { return kind.group != kCertManager; }

const Resource* kind_of(std::string_view api_version, std::string_view kind) {
  for (const auto& each : kKinds) {
    const auto version =
        each.group.empty() ? std::string(each.version) : fmt::format("{}/{}", each.group, each.version);
    if (each.kind == kind && version == api_version) return &each;
  }
  return nullptr;
}

}  // namespace conntruth::install
