#pragma once
// A World in a real cluster: Services without selector, EndpointSlices of our own, LoadBalancer addresses in the
// Services' status. publish() brings the API server from the last published World to the next one with as few requests
// as possible, many in flight.
//
//   auto client = kube::Client::make(*access, {});
//   auto cluster = kube::ClusterWorld::adopt(**client, {});     // knows what an earlier run left
//   for (const auto& stage : plan.stages) cluster->publish(stage.world);
//   cluster->sweep();
//
// Every object carries app.kubernetes.io/managed-by: conntruth, and only such objects are ever changed or deleted.
// Nodes of a World are not written: they are the cluster's. Namespaces are made where they are missing (labelled too).
// A Service is deleted and made again where the API has no other way (its cluster IP, family, loadBalancerClass or
// healthCheckNodePort changes, or the server keeps node ports that the World does not have); that counts in
// PublishReport::recreated. EndpointSlices likewise where the addressType changes.
//
// Errors: the first object that the server refused, with how many more; kConflict where an object of that name exists
// and is not ours. Objects that were not refused are written all the same, and what was written is remembered:
// publishing again continues. Sources: kubernetes.io/docs/reference/kubernetes-api/service-resources, validation of
// k8s.io/kubernetes pkg/apis/core and pkg/registry/core/service. Threading: one thread.

#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "common/world/world.hpp"
#include "kube/client.hpp"

namespace conntruth::kube {

inline constexpr std::string_view kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kManagedBy = "conntruth";

struct ClusterWorldOptions {
  // Of LoadBalancer Services whose World names none, so that no cloud's controller takes them for its own.
  std::string load_balancer_class = "conntruth.io/published";
  std::chrono::milliseconds timeout{30000};  // of one publish() or sweep()
  // A cluster without controller-manager (a lab of etcd and kube-apiserver alone) never ends a namespace's deletion by
  // itself; sweep() then does it, for the namespaces that it made.
  bool finalize_namespaces = false;
};

struct PublishReport {
  std::size_t requests = 0;  // that this change took, retries not counted
  std::size_t created = 0;
  std::size_t updated = 0;
  std::size_t deleted = 0;
  std::size_t recreated = 0;
  // Fields of the World that the server did not keep ("endpointslice a/b: hints.forNodes"): an older server.
  std::vector<std::string> dropped;
};

class ClusterWorld {
 public:
  // Reads what objects of ours the cluster has. The client must outlive the value.
  [[nodiscard]] static Result<ClusterWorld> adopt(Client& client, ClusterWorldOptions options);

  [[nodiscard]] Result<PublishReport> publish(const world::World& next);
  // Deletes every object with our label, in all namespaces, and the namespaces that carry it; comes back when they are
  // gone.
  [[nodiscard]] Status sweep();

  // What the cluster is known to have of ours; without nodes.
  [[nodiscard]] world::World published() const;

 private:
  ClusterWorld(Client& client, ClusterWorldOptions options) : client_(&client), options_(std::move(options)) {}

  [[nodiscard]] Status make_namespaces(const world::World& next, SteadyTime deadline, PublishReport& report);

  Client* client_;
  ClusterWorldOptions options_;
  std::map<std::string, world::Service> services_;  // by "namespace/name", as sent
  std::map<std::string, world::EndpointSlice> slices_;
  std::set<std::string> namespaces_;  // known to exist
};

}  // namespace conntruth::kube
