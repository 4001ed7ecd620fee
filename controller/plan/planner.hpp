#pragma once
// Makes the plan of a run. Pure: the same inputs give the same plan, to the last task id.
// Errors: kInvalidInput for a selection that matches nothing (with the closest ids) and for a world that does not fit
// the topology; kNotFound for a topology without nodes; kResource where a Service range is used up. What is selected
// but cannot run here is no error but stands in Plan::not_run. Threading: pure functions.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/model/topology.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"
#include "controller/catalogue/scenario.hpp"
#include "controller/oracle/profile.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::plan {

// Probes by kernel sockets and crafted ones. SCTP is always crafted: both numbers together.
struct Flows {
  std::uint32_t socket = 0;
  std::uint32_t crafted = 0;
  [[nodiscard]] std::uint32_t total() const { return socket + crafted; }
};

// A run that only reads: Services that exist are probed as they are. Nothing is published, and their endpoints are
// other people's, so that who answered is told by the nodes' connection tracking.
struct ReadingOptions {
  bool existing = false;
  std::vector<std::string> services;    // globs of "namespace/name"; empty, like `namespaces`: all
  std::vector<std::string> namespaces;  // globs
  bool udp = false;                     // UDP ports too: a datagram reaches an application that did not ask for it
  std::uint32_t probes = 0;             // of a cell that must be answered; 0: enough to see each endpoint
  std::uint32_t rate = 200;             // probes per second and agent
};

// Every field has an initializer, so that callers may name just the ones they set.
// NOLINTBEGIN(readability-redundant-member-init)
struct PlanOptions {
  // Globs. Without a slash: scenario ids and ids that scenarios cover; with one: cell ids. Empty `select`: everything.
  std::vector<std::string> select{};
  std::vector<std::string> skip{};
  std::vector<Protocol> protocols{};  // empty: all
  std::vector<Family> families{};     // empty: all

  // A cell that must be answered. 280: the chance to see no loss where 5 % of flows are lost is 0.95^280 = 5.8e-7. Few
  // by kernel sockets, each of which costs a handshake and twice the CPU: they show what only sockets meet, as a whole.
  Flows answered{8, 272};
  Flows sticky{8, 56};      // session affinity: all flows of a client to one endpoint
  Flows unanswered{8, 56};  // no answer is expected: each probe that is not refused costs its whole timeout
  Flows control{4, 16};     // also cells that are recorded and not scored
  // Probes of one flow over several steps, as it stands over more than two seconds, with one second to spare for a busy
  // machine: conntrack then takes it for a stream and keeps it for minutes, as it would a client's that goes on
  // sending; a younger one it would forget before the next step (a lab's nodes do not). In later steps it is probed
  // until so many in a row are as they have to be, for at most `old_flows_bound` and so many more.
  std::uint32_t fixed_flow = 11;
  std::chrono::milliseconds fixed_interval{300};
  std::uint32_t kept_requests = 16;  // per step, on one connection
  std::chrono::milliseconds kept_interval{50};
  std::uint32_t http_requests = 8;  // of a cell asked over HTTP: its server tells a state and draws no lots
  // A name is looked up until so many answers in a row are right, for at most `names_bound`: DNS servers keep answers
  // for some seconds (the plug-in "kubernetes" of CoreDNS: 5 s).
  std::uint32_t lookups = 3;
  std::chrono::milliseconds lookup_interval{200};
  std::chrono::milliseconds names_bound{15'000};
  std::uint32_t rotations = 6;
  std::chrono::milliseconds rotation_interval{1200};  // longer than the scenarios' affinity timeout of 1 s
  std::chrono::milliseconds timeout{1000};
  std::chrono::milliseconds follow_bound{2000};     // within it every node has to follow a change
  std::chrono::milliseconds follow_limit{2000};     // so long it is waited for, from the bound on
  std::chrono::milliseconds old_flows_bound{2000};  // within it a flow that lived before has to be moved
  std::chrono::microseconds follow_interval{2000};

  // What the nodes' dataplanes are known to do otherwise than specified.
  oracle::Profiles profiles{};
  // What each agent can do, by its name (Hello.capabilities). Empty: everything is taken as possible.
  std::map<std::string, std::vector<std::string>> capabilities{};
  // Source ports of fixed flows and the canary's responders start here within their ranges of 1000 and 800: a run that
  // comes soon after another one takes a different number, so that it meets neither the other's conntrack entries nor
  // its canary.
  std::uint16_t fixed_port_offset = 0;
  // True: kernels limit how many ICMP errors they send to each peer (Linux: six at once, then one a second), as they do
  // everywhere but in a lab. A refused UDP flow may then look like a lost one.
  bool icmp_limited = false;
  ReadingOptions reading{};
  bool nodes_may_change = true;  // false: scenarios that taint or delete Nodes cannot run here
};
// NOLINTEND(readability-redundant-member-init)

[[nodiscard]] Result<Plan> make_plan(const Topology& topology, const std::vector<world::Node>& nodes,
                                     const std::vector<catalogue::Scenario>& scenarios, const PlanOptions& options);

// Cells for every Service of a given world, from every vantage to every entry that it has, in one stage. Endpoints must
// be addresses of the topology's nodes and pods. Where the world names no nodes `nodes` are taken.
[[nodiscard]] Result<Plan> make_world_plan(const Topology& topology, const std::vector<world::Node>& nodes,
                                           const world::World& world, const PlanOptions& options);

// Cells for the Services of `world`, which are in the cluster, chosen by `options.reading`: from every vantage to every
// entry. What cannot be probed is in Plan::not_run, each with its reason. Endpoints may be anybody's.
[[nodiscard]] Result<Plan> make_reading_plan(const Topology& topology, const world::World& world,
                                             const PlanOptions& options);

// One sentence about its numbers of probes and what they can miss.
[[nodiscard]] std::string describe_reading(const Plan& plan);

// Probes of the whole plan, follow tasks not counted (they end as soon as the change is seen).
[[nodiscard]] std::uint64_t count_probes(const Plan& plan);

}  // namespace conntruth::plan
