#pragma once
// Questions to the servers of a lab, from inside its network namespaces. Each is one try with a short deadline: who
// waits for a server asks again. Threading: blocks the caller; no state.

#include <string>
#include <vector>

#include "common/result.hpp"
#include "lab/kubernetes/credentials.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab {

// The API of a lab as its administrator.
class ApiServer {
 public:
  ApiServer(const LabSpec& spec, std::string fabric_netns, const kube::Identity& identity, std::string admin_token);

  [[nodiscard]] Status ready() const;                 // /readyz
  [[nodiscard]] Result<std::string> version() const;  // "v1.36.3"
  // Makes an object in a collection such as "/api/v1/nodes"; that it exists is well.
  [[nodiscard]] Status create(const std::string& collection, const std::string& object) const;
  // `merge_patch` as in RFC 7396.
  [[nodiscard]] Status patch(const std::string& path, const std::string& merge_patch) const;
  [[nodiscard]] Result<std::string> read(const std::string& path) const;  // JSON
  // Whether its own Service, by the proxy of the node with this network namespace, leads to it.
  [[nodiscard]] Status reachable_as_service(const std::string& netns) const;

 private:
  [[nodiscard]] Result<std::string> call(std::string_view method, const std::string& target, std::string_view body,
                                         const std::string& content_type = "application/json") const;
  std::string host_;
  std::string service_host_;
  std::string netns_;
  std::string certificate_pem_;
  std::string token_;
};

// What kube-proxy's metrics say: when it last wrote its rules, and its version.
struct KubeProxyState {
  std::vector<double> synced;  // the times of the last success, in seconds since 1970
  bool per_family = false;     // one for each family (since 1.36); else one for all
  std::string version;         // "" where it does not say
  // Whether it wrote the rules of every family after `since` (seconds since 1970).
  [[nodiscard]] bool has_written_rules(unsigned families, double since = 0) const;
  bool operator==(const KubeProxyState&) const = default;
};
[[nodiscard]] KubeProxyState read_kube_proxy_metrics(std::string_view text);
[[nodiscard]] Result<KubeProxyState> ask_kube_proxy(const std::string& netns);

}  // namespace conntruth::lab
