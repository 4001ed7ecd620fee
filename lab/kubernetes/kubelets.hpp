#pragma once
// The half of a real cluster that runs pods: containerd and a kubelet on each node, kube-controller-manager and
// kube-scheduler in the fabric, CoreDNS in pods. Called by start.cpp in the order of the functions; between them the
// API server and the proxies are started. Errors name node and program. Threading: one thread.

#include <string>
#include <vector>

#include "common/result.hpp"
#include "lab/kubernetes/ask.hpp"
#include "lab/kubernetes/daemons.hpp"
#include "lab/kubernetes/programs.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab {

class Kubelets {
 public:
  // `directory`: the lab's folder of secrets, with kubeconfigs for the controller-manager and the scheduler and one for
  // each kubelet in NODE/kubelet.kubeconfig. All have to outlive this object.
  Kubelets(const LabSpec& spec, std::string directory, const std::vector<Place>& places, const Programs& programs,
           Daemons& daemons)
      : spec_(spec), directory_(std::move(directory)), places_(places), programs_(programs), daemons_(daemons) {}

  [[nodiscard]] Status start_runtimes();  // needs no API: mounts, containerd
  [[nodiscard]] Status load_images();     // waits for containerd
  [[nodiscard]] Status start(const ApiServer& api);
  [[nodiscard]] Status await_nodes(const ApiServer& api);
  [[nodiscard]] Status await_dns(const ApiServer& api);

 private:
  [[nodiscard]] const Place& fabric() const;
  [[nodiscard]] Status on_each_node(const std::string& what, const std::string& script);
  [[nodiscard]] Status link_plugins(const ContainerRuntime& runtime);
  [[nodiscard]] std::string plugins() const { return directory_ + "/cni-plugins"; }
  [[nodiscard]] Status write_files(const ContainerRuntime& runtime);
  [[nodiscard]] Status start_program(const Place& place, const std::string& program,
                                     std::vector<std::string> arguments);

  const LabSpec& spec_;
  std::string directory_;
  const std::vector<Place>& places_;
  const Programs& programs_;
  Daemons& daemons_;
};

}  // namespace conntruth::lab
