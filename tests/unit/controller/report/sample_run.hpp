#pragma once
// A run in which every verdict and every glyph occurs, for golden outputs and for properties of reports.

#include "controller/report/report.hpp"
#include "tests/support/judging.hpp"

namespace conntruth::testing {

inline void add_cluster_ip(Bench& bench) {
  const auto positive = bench.control(true);
  const auto negative = bench.control(false);
  const std::vector<std::uint32_t> controls{positive, negative};
  for (int client = 1; client <= 3; ++client) {
    const auto task =
        bench.cell({.client = client, .endpoints = {2, 3}, .source = SourceRule::kAny, .controls = controls});
    bench.answer(task, 0, 280, {2, 3}, pod_ip(client));
  }
}

inline void add_faults(Bench& bench) {
  const CellSpec base{.scenario = "faults", .table = "web nodePort tcp ipv4", .count = 40};
  const auto cell = [&](int client, int entry, auto change) {
    auto spec = base;
    spec.client = client;
    spec.entry_node = node_name(entry);
    spec.column = node_name(entry) + ":30080";
    spec.source = SourceRule::kAny;
    change(spec);
    return bench.cell(spec);
  };
  const auto as_is = [](CellSpec&) {};
  const auto silent = cell(1, 1, as_is);
  for (std::uint32_t i = 0; i < 40; ++i) bench.timed_out(silent, i);
  const auto stranger = cell(1, 2, as_is);
  bench.answer(stranger, 0, 40, {2, 3, 1, 2});
  const auto rewritten = cell(1, 3, [](CellSpec& spec) { spec.source = SourceRule::kClient; });
  bench.answer(rewritten, 0, 40, {2, 3}, node_ip(3));
  const auto refused = cell(2, 1, as_is);
  for (std::uint32_t i = 0; i < 40; ++i) bench.refused(refused, i, node_ip(1));
  const auto uneven = cell(2, 2, as_is);
  bench.answer(uneven, 0, 40, {2});
  const auto broken = cell(2, 3, as_is);
  bench.tool_error(broken, 0, "bind: Address already in use");
  const auto uncontrolled = cell(3, 1, [&](CellSpec& spec) { spec.controls = {bench.control(true, 5, 5)}; });
  bench.answer(uncontrolled, 0, 40, {2, 3});
  const auto recorded = cell(3, 2, [](CellSpec& spec) { spec.scored = false; });
  for (std::uint32_t i = 0; i < 40; ++i) bench.refused(recorded, i, node_ip(2));
  const auto either = cell(3, 3, [](CellSpec& spec) { spec.outcomes = {false, true, true}; });
  for (std::uint32_t i = 0; i < 40; ++i) bench.timed_out(either, i);
}

inline void add_refusals(Bench& bench) {
  for (int client = 1; client <= 2; ++client) {
    const auto refused =
        bench.cell({.scenario = "no-endpoints", .client = client, .outcomes = {false, true, false}, .count = 40});
    for (std::uint32_t i = 0; i < 40; ++i) bench.refused(refused, i, node_ip(client));
    const auto dropped = bench.cell({.scenario = "no-endpoints",
                                     .client = client,
                                     .column = "local",
                                     .outcomes = {false, false, true},
                                     .count = 40});
    for (std::uint32_t i = 0; i < 40; ++i) bench.timed_out(dropped, i);
  }
}

inline void add_change(Bench& bench) {
  for (int client = 1; client <= 2; ++client) {
    const auto task = bench.cell({.scenario = "change",
                                  .table = "canary",
                                  .client = client,
                                  .endpoints = {2},
                                  .source = SourceRule::kAny,
                                  .rule = plan::CellRule::kFollow,
                                  .count = 2});
    bench.timed_out(task, 0, 1'000'000'000);
    bench.replied(task, 1, 2, pod_ip(client), 1'000'000'000 + client * 80'000'000);
  }
  bench.facts.stages.back().programmed = {{"node-1", 1'070'000'000, ""}, {"node-2", 1'150'000'000, ""}};
}

inline Bench sample_run() {
  Bench bench;
  add_cluster_ip(bench);
  add_faults(bench);
  add_refusals(bench);
  add_change(bench);
  bench.plan.stages.emplace_back();  // never reached
  bench.cell({.scenario = "no-endpoints", .step = "later"});
  bench.plan.not_run = {{"sctp/ready/node-1-pod-0>web/sctp/ipv4", "sctp", "agent node-1 cannot do sctp-init"}};
  bench.facts.agents = {{"node-2", "", {{"late-answer", 3}}}, {"node-1", "", {}}, {"node-3", "", {{"late-answer", 0}}}};
  bench.facts.ended_early = "interrupted";
  bench.timed_out(4711, 0);
  return bench;
}

inline report::Report report_of(const Bench& bench) {
  report::RunInfo run{"20260102T030405.678Z",
                      {{"started", "2026-01-02T03:04:05Z"}, {"version", "0.1.0"}, {"topology", "bench"}}};
  const auto observations = bench.folded();
  return report::make_report(run, bench.plan, observations, judge::judge(bench.plan, observations, bench.facts),
                             bench.facts);
}

}  // namespace conntruth::testing
