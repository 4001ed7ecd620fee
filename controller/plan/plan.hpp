#pragma once
// The plan of a run: scenarios × topology turned into stages of cells with their expectations, tasks and controls.
// A pure, deterministic function of its inputs: the run's store keeps the inputs, and `rejudge` plans again.
//
// Each stage is one world that carries a step of every scenario which runs in it (each has Services of its own), so
// that a run needs as many changes of the world as its longest scenario has steps; shorter scenarios begin in the stage
// that has room for their probes, and stay as their last step left them. Order within a stage:
//   1. follow tasks start (they probe the canary Service at a fixed pace while the world changes),
//   2. the world is published; the stage goes on when every follow task has ended (event-driven, bounded),
//   3. `pause` passes (only where a scenario's subject is a time-out),
//   4. control and body tasks run.
// Threading: values.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/model/expectation.hpp"
#include "common/model/flow.hpp"
#include "common/model/probe.hpp"
#include "common/model/topology.hpp"
#include "common/world/world.hpp"

namespace conntruth::plan {

// A task and the agent that carries it out. `agent` is a node name or an external client's name.
struct PlannedTask {
  std::string agent;
  ProbeTask task;
};

struct PlannedResponder {
  std::string agent;
  ResponderSpec spec;
  std::vector<IpAddress> addresses;  // of its place, both families: address + spec.port is an endpoint of the world
  // Somebody else's application: no agent runs it, and spec.place is what people call it. `agent` is its node, if
  // known.
  bool foreign = false;
};

// A probe whose result is known whatever the Service layer does. Positive: straight to an endpoint's own address, must
// be answered by it. Negative: straight to the same address at a port nobody answers, must be refused: it proves that a
// refusal is visible from this vantage. A control that fails makes every cell that names it invalid.
struct Control {
  std::string id;  // "control/positive/node-1-pod-0>node-2-pod-0/tcp/ipv4"
  bool positive = true;
  std::uint32_t responder = 0;       // positive: who must answer; 0: a server that is none of ours
  std::vector<std::uint32_t> tasks;  // task ids
  // Of a foreign endpoint: any answer holds, unless connection tracking says that it was another's. UDP: whatever is no
  // refusal holds.
  bool foreign = false;
};

enum class CellRule : std::uint8_t {
  kFlows,   // every sample against the expectation, shares by chi-square
  kFollow,  // time from publishing the world to the node's first right answer, against `follow_bound`
  kKept,    // requests on one connection: every one is answered by the endpoint that answered its first
  kGap,     // every flow of a rollout is answered; lost ones are counted, with when the first and the last was opened
  kLeave,   // time from a change to the last flow that reached an endpoint which it took away, against `follow_bound`
  kRotate,  // session affinity timed out: over the pooled samples of its tasks more than one endpoint must answer
};

struct Cell {
  std::string id;  // stable: "SCENARIO/STEP/ROW>ENTRY/PROTOCOL/FAMILY"
  std::string scenario;
  std::string step;
  std::string table;   // cells with the same table make one matrix: "web clusterIP tcp ipv4"
  std::string row;     // vantage name
  std::string column;  // entry (and, where one Service stands for one endpoint, the endpoint's node)
  Flow flow;
  Expectation expectation;
  CellRule rule = CellRule::kFlows;
  std::chrono::milliseconds follow_bound{0};
  std::int64_t changed_ns = 0;  // CLOCK_MONOTONIC; 0: times count from when the stage's world was published
  // Probes sent earlier than this after the world was published, and answered as by the world before, only show that a
  // change takes its time: they are counted and not judged. For flows that lived before the change.
  std::chrono::milliseconds settle{0};
  std::vector<std::uint32_t> tasks;     // task ids whose samples make up the cell
  std::vector<std::uint32_t> controls;  // indices into Stage::controls
  std::vector<std::uint32_t> earlier;   // tasks of earlier stages on the same connection or 5-tuple, in their order
  bool foreign = false;                 // its endpoints are other people's
};

struct Stage {
  world::World world;
  std::chrono::milliseconds pause{0};
  std::vector<PlannedTask> follow_tasks;
  std::vector<PlannedTask> tasks;  // controls and body
  std::vector<Control> controls;
  std::vector<Cell> cells;  // including the follow cells
  bool publishes = true;    // false: the world is there already
};

// A cell that was selected but cannot be run here, and why ("agent cannot do sctp-init", "node has no ipv6 address").
struct NotRun {
  std::string cell;
  std::string scenario;
  std::string reason;
};

struct Plan {
  Topology topology;
  std::vector<PlannedResponder> responders;
  std::vector<Stage> stages;
  std::vector<NotRun> not_run;
};

}  // namespace conntruth::plan
