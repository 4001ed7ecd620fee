#pragma once
// Where a Kubernetes API server is and as whom we speak to it: from a kubeconfig or from inside a pod.
//
// Order, as kubectl has it: the file of the flag; else the files of $KUBECONFIG, merged, the first one to name a thing
// wins; else ~/.kube/config; else the service account of the pod we run in. Errors name file and line, the context,
// cluster or user, and the remedy. Source:
// kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig, client.authentication.k8s.io/v1
// (KEP-541).
//
// Not supported and refused with a message: proxy-url, auth-provider, user name with password, impersonation.
// Threading: pure functions that read files; values.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/result.hpp"

namespace conntruth::kube {

// A program that prints credentials (client.authentication.k8s.io/v1 or v1beta1).
struct ExecPlugin {
  std::string command;  // absolute, or looked up in PATH
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // added to ours
  std::string api_version;
  std::string install_hint;
  bool provide_cluster_info = false;
};

struct Access {
  std::string origin;  // for messages: "/root/.kube/config, context lab"
  bool tls = true;     // false: http://
  std::string host;    // name or address, without brackets
  std::uint16_t port = 443;
  std::string path_prefix;  // "" or "/k8s/clusters/x"
  std::string ca_pem;       // "": the system's
  bool skip_tls_verify = false;
  std::string tls_server_name;  // "": host

  std::string client_certificate_pem;
  std::string client_key_pem;
  std::string token;
  std::string token_file;  // wins over `token`; read again when it changes
  std::optional<ExecPlugin> exec;

  std::string namespace_name = "default";
  // Path of a network namespace in which the client's sockets are made; "": ours. A lab's API server is reachable only
  // in the lab's own.
  std::string network_namespace;
};

// What find_access() looks at; from_environment() fills it from this process.
struct AccessQuery {
  std::string kubeconfig;      // of a flag
  std::string context;         // "": the file's current-context
  std::string kubeconfig_env;  // $KUBECONFIG, separated by colons
  std::string home;            // $HOME
  std::string service_host;    // $KUBERNETES_SERVICE_HOST
  std::string service_port;    // $KUBERNETES_SERVICE_PORT
  std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::string network_namespace;

  [[nodiscard]] static AccessQuery from_environment();
};

[[nodiscard]] Result<Access> find_access(const AccessQuery& query);

}  // namespace conntruth::kube
