#pragma once
// The controller of a cluster as a client sees it: its pod is found by its labels, and asked through the API server's
// pod proxy, so that neither a Service nor a port-forward is needed and RBAC decides who may.
//
// Errors: what the controller itself says, as it says it; those of the API with the missing right; kNotFound where
// there is no controller. Threading: cancel() from any thread, all else from one.

#include <functional>
#include <memory>
#include <string>

#include "common/result.hpp"
#include "controller/app/event_stream.hpp"
#include "kube/client.hpp"

namespace conntruth::app {

struct ClusterTarget {
  std::string kubeconfig;  // "": $KUBECONFIG, ~/.kube/config
  std::string context;
  std::string system_namespace = "conntruth-system";
};

// A client of the cluster, and where it is in words.
struct ClusterClient {
  std::unique_ptr<kube::Client> client;
  std::string where;
};
[[nodiscard]] Result<ClusterClient> open_cluster(const ClusterTarget& target, const kube::ClientOptions& options);

class RemoteController {
 public:
  [[nodiscard]] static Result<RemoteController> connect(const ClusterTarget& target);
  [[nodiscard]] static Result<RemoteController> connect(std::unique_ptr<kube::Client> client, std::string where,
                                                        std::string system_namespace);

  // The id of the run that began.
  [[nodiscard]] Result<std::string> start(const std::string& options);
  [[nodiscard]] Status cancel(const std::string& id);
  // Text of GET /v1/runs + `path`.
  [[nodiscard]] Result<std::string> read(const std::string& path, const kube::Query& query);
  // Every event of the run up to its end, whose data comes back. A stream that is cut is taken up where it was.
  using OnEvent = std::function<void(const EventStreamReader::Event&)>;
  [[nodiscard]] Result<std::string> follow(const std::string& id, const OnEvent& on_event);

 private:
  RemoteController(std::unique_ptr<kube::Client> client, std::string where, std::string system_namespace)
      : client_(std::move(client)), where_(std::move(where)), namespace_(std::move(system_namespace)) {}
  [[nodiscard]] Status find_pod();
  [[nodiscard]] kube::Request request(kube::Method method, std::string_view verb, const std::string& path) const;
  [[nodiscard]] Result<std::string> ask(const kube::Request& request);
  [[nodiscard]] Result<std::string> follow_once(const std::string& id, std::string& last, const OnEvent& on_event);

  std::unique_ptr<kube::Client> client_;
  std::string where_;
  std::string namespace_;
  std::string pod_;
  std::string key_;
};

}  // namespace conntruth::app
