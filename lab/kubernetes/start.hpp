#pragma once
// Starts what makes a lab a Kubernetes cluster: etcd and kube-apiserver in the fabric, Node objects, on each node the
// proxy that follows the API, and on request all that runs pods (kubelets.hpp). What was started goes with its
// namespaces, so nothing has to be undone on an error. Errors: one line that names node, program, exit status and the
// end of its log. Threading: one thread.

#include <string>
#include <vector>

#include "common/result.hpp"
#include "lab/kubernetes/daemons.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab {

// kNotFound where a program or version is missing; asked before anything is made. Puts exact versions into `spec`.
[[nodiscard]] Status resolve_programs(LabSpec& spec);

// `places`: the fabric and the nodes; `directory`: the lab's. Puts versions that only the programs know into `spec`.
[[nodiscard]] Status start_kubernetes(LabSpec& spec, const std::string& directory, const std::vector<Place>& places,
                                      const Lab::Progress& progress);

}  // namespace conntruth::lab
