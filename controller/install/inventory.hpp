#pragma once
// What of an install a cluster has, whoever made it: every object of our kinds with the label
// app.kubernetes.io/name=conntruth, apart from what runs make.
//
// Errors: those of kube::Client. Threading: the caller's thread.

#include <string>
#include <vector>

#include "common/result.hpp"
#include "controller/install/objects.hpp"
#include "kube/client.hpp"

namespace conntruth::install {

struct Found {
  Object object;
  std::string managed_by;  // label: "Helm", "kustomize", "kubectl-conntruth"
  std::string release;     // of Helm, from its annotation
  std::string release_namespace;
  bool going = false;  // it is being deleted
};

struct Inventory {
  std::vector<Found> objects;         // in the order of kinds()
  std::vector<std::string> not_seen;  // "roles: ...", kinds that we may not list, and the right that is missing

  [[nodiscard]] bool has(std::string_view title) const { return find(title) != nullptr; }
  [[nodiscard]] const Found* find(std::string_view title) const;  // as Object::title() has it
  [[nodiscard]] std::vector<Object> plain() const;
};

// Namespaces count only where they are the install's own two.
[[nodiscard]] Result<Inventory> take_inventory(kube::Client& client, kube::SteadyTime deadline);

// The Helm release that some of it belongs to, or "": "conntruth in namespace conntruth-system". One whose record is
// gone, so that Helm itself knows nothing of it, is none.
struct HelmRelease {
  std::string name;
  std::string namespace_name;
};
[[nodiscard]] Result<std::vector<HelmRelease>> helm_releases(kube::Client& client, const Inventory& inventory);

// "helm uninstall NAME --namespace NS --wait && kubectl delete namespace NS"
[[nodiscard]] std::string helm_removal(const HelmRelease& release);

}  // namespace conntruth::install
