#pragma once
// `conntruth serve`: the controller as a pod. Clients ask for runs over HTTP; each is carried out in the cluster that
// the pod is in. Ends on SIGTERM and SIGINT: the run that goes on is ended and what it made in the cluster removed.
// Errors: kInvalidInput names the flag; those of the API and of listening. Threading: the main thread, which has to be
// the only one yet.

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace conntruth::app {

struct ServeRequest {
  std::string kubeconfig;  // "": the pod's service account
  std::string context;
  std::string api_server;                             // URL in place of the one that access has
  std::string system_namespace = "conntruth-system";  // $POD_NAMESPACE
  std::string pod;                                    // $POD_NAME: holder of the Leases
  std::string address;                                // $POD_IP: listened on, and told to the agents
  std::uint16_t agents_port = 7443;
  std::uint16_t http_port = 7080;
  std::string tls_directory = "/etc/conntruth/tls";
  bool plaintext = false;  // agents without TLS and tokens: on a lab's own network only
  std::string cluster = "cluster";
  std::vector<std::string> service_ranges;
  std::vector<std::string> external_ips;
  std::vector<std::string> load_balancer_ips;
  std::string node_ports = "30000-32767";
  std::string resolv_conf = "/etc/resolv.conf";  // of a pod: who is asked for names
  std::uint32_t anchors = 2;
  unsigned slowness = 1;
  std::size_t keep = 20;  // runs in the store
};

[[nodiscard]] Status serve(const ServeRequest& request);

}  // namespace conntruth::app
