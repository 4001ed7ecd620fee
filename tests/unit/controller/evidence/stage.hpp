#pragma once
// A stage with the cell of walks.hpp, which task kTask asks 100 times, and what comes of it.

#include "common/model/probe.hpp"
#include "controller/plan/plan.hpp"
#include "tests/unit/controller/evidence/walks.hpp"

namespace conntruth::evidence {

inline constexpr std::uint32_t kTask = 7;
inline constexpr std::uint32_t kResponder = 3;

// One stage with the cell of walks.hpp, asked by one task of 100 probes.
inline plan::Plan one_cell() {
  plan::Plan plan;
  plan.responders.push_back({"node-2", {kResponder, "node-2-pod-0", Protocol::kTcp, 5000}, {kEndpoint.address}});
  auto& stage = plan.stages.emplace_back();
  ProbeTask task;
  task.id = kTask;
  task.place = "node-1-pod-0";
  task.target = kEntry;
  task.method = Method::kTcpSyn;
  task.count = 100;
  stage.tasks.push_back({"node-1", task});
  stage.cells.push_back(replied_cell());
  stage.cells.back().tasks = {kTask};
  return plan;
}

inline Sample sample(std::uint32_t task, std::uint32_t sequence, Outcome outcome) {
  Sample result;
  result.id = probe_id(task, sequence);
  result.outcome = outcome;
  if (outcome == Outcome::kReplied) result.responder = kResponder;
  return result;
}

// So many probes of kTask from `first` on end like this.
inline ResultBatch batch(std::uint32_t first, std::uint32_t count, Outcome outcome) {
  ResultBatch result;
  for (std::uint32_t i = first; i < first + count; ++i) result.samples.push_back(sample(kTask, i, outcome));
  return result;
}

// The second endpoint of the cell, which answers as kResponder + 1.
inline plan::Plan two_endpoints() {
  auto plan = one_cell();
  plan.responders.push_back({"node-3", {kResponder + 1, "node-3-pod-0", Protocol::kTcp, 5000}, {kOther.address}});
  plan.stages[0].cells[0].expectation.endpoints = {kEndpoint, kOther};
  return plan;
}

inline plan::Plan http_cell() {
  auto plan = one_cell();
  auto& cell = plan.stages[0].cells[0];
  cell.flow.entry.kind = EntryKind::kHealthCheckNodePort;
  cell.expectation.endpoints.clear();
  cell.expectation.http = HttpExpectation{200, 1, ""};
  cell.settle = std::chrono::milliseconds(5);
  plan.stages[0].tasks[0].task.method = Method::kHttpGet;
  plan.stages[0].tasks[0].task.path = "/healthz";
  return plan;
}

}  // namespace conntruth::evidence
