#pragma once
// A plan for real Deployments. What the Services' endpoints are is not known before: each stage is planned once its
// world was read back from the API. So the plan grows with the run, and what was planned for earlier stages stays as it
// is, to the last task id, whatever comes to be known after it.
//
// While a rollout goes on, every node opens new flows at a fixed pace, in rounds of tasks of a second each, as nobody
// knows before how many there will be: the tasks of a round stand together, the rounds in their order.
// Errors: kInvalidInput for a selection that matches nothing, and for EndpointSlices with addresses that are no pod's
// of the run. Threading: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/plan/planner.hpp"

namespace conntruth::plan {

// Ids of the responders in pods are given when they come, before there is a plan.
inline constexpr std::uint32_t kFirstWorkloadResponder = 1'000'000;
inline constexpr std::uint16_t kFirstWorkloadPort = 9000;

struct WorkloadPlace {
  std::string name;  // of the pod
  std::string node;
  std::vector<IpAddress> addresses;
  std::uint16_t port = 0;
  std::uint32_t tcp_responder = 0;
  std::uint32_t udp_responder = 0;
  bool operator==(const WorkloadPlace&) const = default;
};

// What is probed of a scenario at a stage.
struct WorkloadProbes {
  std::string scenario;
  std::string step;
  std::vector<std::string> services;
  std::vector<std::string> kept;  // of them: those at which a connection is kept
  bool operator==(const WorkloadProbes&) const = default;
};

struct WorkloadRollout {
  struct Change {
    std::int64_t at_ns = 0;  // CLOCK_MONOTONIC when it was seen
    std::vector<world::EndpointSlice> slices;
    bool operator==(const Change&) const = default;
  };
  std::string service;
  std::uint32_t rounds = 0;
  std::vector<Change> changes;  // of the Service's EndpointSlices
  bool operator==(const WorkloadRollout&) const = default;
};

struct WorkloadStage {
  world::World world;               // Services and EndpointSlices as read before it was probed
  std::vector<WorkloadPlace> pods;  // all that answer
  std::vector<WorkloadProbes> probes;
  std::optional<WorkloadRollout> rollout;  // then `probes` names its scenario and step
  bool operator==(const WorkloadStage&) const = default;
};

struct WorkloadScript {
  bool present = false;                        // the run is about real Deployments
  std::vector<catalogue::Scenario> scenarios;  // outlines of those that there are
  std::vector<WorkloadStage> stages;           // as far as the run came
};

// Ids of the scenarios that `options` selects.
[[nodiscard]] Result<std::vector<std::string>> selected_scenarios(const WorkloadScript& script,
                                                                  const PlanOptions& options);
[[nodiscard]] Result<Plan> make_workload_plan(const Topology& topology, const std::vector<world::Node>& nodes,
                                              const WorkloadScript& script, const PlanOptions& options);

}  // namespace conntruth::plan
