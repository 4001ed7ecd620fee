#pragma once
// `conntruth cleanup`: removes everything from a cluster that runs made there and left, a SIGKILLed one for instance.
// Threading: one thread.

#include <cstddef>
#include <string>

#include "common/result.hpp"
#include "kube/client.hpp"

namespace conntruth::app {

struct CleanupRequest {
  std::string lab;         // a lab with a Kubernetes API; "": the cluster of the kubeconfig
  std::string kubeconfig;  // "": $KUBECONFIG, ~/.kube/config, or the service account of the pod
  std::string context;     // "": the kubeconfig's current one
  bool force = false;      // also while the Lease says that a run is going on
};

struct CleanupReport {
  std::string cluster;  // for people: where it was
  std::size_t services = 0;
  std::size_t endpoint_slices = 0;
};

// Only objects with our label go. kConflict while a run holds its Lease.
[[nodiscard]] Result<CleanupReport> cleanup(const CleanupRequest& request);
// The same by a client that there is. `finalize_namespaces`: as ClusterWorldOptions has it.
[[nodiscard]] Result<CleanupReport> cleanup(kube::Client& client, const std::string& where, bool force,
                                            bool finalize_namespaces);

}  // namespace conntruth::app
