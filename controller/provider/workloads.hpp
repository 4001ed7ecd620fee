#pragma once
// Real Deployments and Services with selectors in the environment of a run: what its own controllers, scheduler and
// kubelets make of them is part of what is tested. Changes are asked for here and seen later, by watching.
//
// Threading: `wake` is called from threads of the implementation's own, all else from the run's thread.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth {

// A Service for a Deployment's pods: ports 80/TCP "tcp" and 80/UDP "udp", both families where there are two.
struct WorkloadService {
  std::string name;
  bool node_ports = false;         // type NodePort
  bool local = false;              // both traffic policies are Local
  bool publish_not_ready = false;  // publishNotReadyAddresses
  bool operator==(const WorkloadService&) const = default;
};

// A Deployment as it is wanted now; maxUnavailable 0, maxSurge 1, spread over the nodes that take part in the run.
struct Workload {
  std::string name;
  std::uint32_t replicas = 0;
  std::uint16_t port = 0;          // where its pods answer, TCP and UDP; another one is another revision of its pods
  std::chrono::seconds linger{0};  // so long pods go on serving after they were told to end
  std::vector<WorkloadService> services;
};

struct WorkloadPod {
  std::string name;
  std::string workload;
  std::string node;  // "": not scheduled
  std::uint16_t port = 0;
  std::vector<IpAddress> addresses;
  bool running = false;
  bool ready = false;  // the Pod's own condition, of which our word is one part
  bool terminating = false;
  std::string trouble;    // why it does not come: "ErrImagePull: ..."; ""
  bool hopeless = false;  // and it will not by waiting
};

// A change of a Service's EndpointSlices.
struct SliceChange {
  std::string service;
  std::int64_t at_ns = 0;                    // CLOCK_MONOTONIC when it was seen
  std::vector<world::EndpointSlice> slices;  // all that the Service has from then on
};

struct WorkloadSight {
  std::map<std::string, WorkloadPod> pods;                          // by name; those that exist
  std::map<std::string, std::string> trouble;                       // Deployments that get no pods, with why
  std::map<std::string, std::vector<world::EndpointSlice>> slices;  // by Service
  std::size_t changes = 0;                                          // of EndpointSlices, since the beginning
  std::string watching;                                             // why nothing may be seen at the moment; ""
};

class Workloads {
 public:
  Workloads() = default;
  Workloads(const Workloads&) = delete;
  Workloads& operator=(const Workloads&) = delete;
  virtual ~Workloads() = default;

  // Begins to look; `wake` is called whenever sight() has become another. Once.
  [[nodiscard]] virtual Status watch(std::function<void()> wake) = 0;
  // Makes or changes the Deployment, and makes those of its Services that are not there.
  [[nodiscard]] virtual Status apply(const Workload& workload) = 0;
  // Whether a pod may count as ready, as far as we have a say in it.
  [[nodiscard]] virtual Status set_ready(const std::string& pod, bool ready) = 0;
  [[nodiscard]] virtual WorkloadSight sight() = 0;
  // Changes of EndpointSlices from that one on.
  [[nodiscard]] virtual std::vector<SliceChange> changes_from(std::size_t first) = 0;
  // Our Services as the API has them now, and their EndpointSlices as last seen; without nodes.
  [[nodiscard]] virtual Result<world::World> read_world() = 0;
  // Looks no more; before the objects go.
  virtual void unwatch() = 0;
};

}  // namespace conntruth
