#pragma once
// Constructed runs for tests of joining, folding, judging and reporting: three nodes with a pod each, a responder per
// pod and protocol, and samples made by hand. No network, no clock.

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "controller/judge/judge.hpp"
#include "controller/matrix/fold.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::testing {

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

constexpr std::uint16_t kPort = 8080;
inline constexpr int kNodes = 3;

// Addresses by number of the node, 1..3.
inline IpAddress node_ip(int node, Family family = Family::kIpv4) {
  return ip((family == Family::kIpv4 ? "172.18.0." : "fd00:18::") + std::to_string(node));
}
inline IpAddress pod_ip(int node, Family family = Family::kIpv4) {
  return family == Family::kIpv4 ? ip("10.244." + std::to_string(node) + ".2")
                                 : ip("fd00:244:" + std::to_string(node) + "::2");
}
inline std::string node_name(int node) { return "node-" + std::to_string(node); }
inline std::string pod_name(int node) { return node_name(node) + "-pod-0"; }

// Responders: 1..3 tcp, 11..13 udp, 21..23 sctp.
inline std::uint32_t responder(int node, Protocol protocol = Protocol::kTcp) {
  const std::uint32_t base = protocol == Protocol::kTcp ? 0 : protocol == Protocol::kUdp ? 10 : 20;
  return base + static_cast<std::uint32_t>(node);
}

inline plan::Plan empty_plan() {
  plan::Plan plan;
  plan.topology.name = "bench";
  for (int n = 1; n <= kNodes; ++n) {
    Pod pod{pod_name(n), {pod_ip(n), pod_ip(n, Family::kIpv6)}, "", ""};
    plan.topology.nodes.push_back({node_name(n), "", {node_ip(n), node_ip(n, Family::kIpv6)}, "", {pod}});
    for (const auto protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
      plan.responders.push_back({node_name(n),
                                 {responder(n, protocol), pod_name(n), protocol, kPort},
                                 {pod_ip(n), pod_ip(n, Family::kIpv6)}});
    }
  }
  return plan;
}

inline Vantage pod_vantage(int node, Family family = Family::kIpv4) {
  return {VantageKind::kPod, node_name(node), pod_name(node), pod_ip(node, family)};
}

struct CellSpec {
  std::string scenario = "cluster-ip";
  std::string step = "ready";
  std::string table = "web clusterIP tcp ipv4";
  int client = 1;  // a pod of that node
  std::string column = "web";
  Protocol protocol = Protocol::kTcp;
  Family family = Family::kIpv4;
  std::string entry_node = {};  // non-empty: a node port there
  OutcomeSet outcomes{true, false, false};
  std::vector<int> endpoints = {2, 3};
  Spread spread = Spread::kUniform;
  SourceRule source = SourceRule::kClient;
  bool scored = true;
  plan::CellRule rule = plan::CellRule::kFlows;
  std::uint32_t count = 280;
  std::uint16_t source_port = 0;
  std::vector<std::uint32_t> controls = {};
  std::uint32_t connection = 0;             // kKept
  std::vector<std::uint32_t> earlier = {};  // kKept
};

class Bench {
 public:
  Bench() : plan(empty_plan()) {
    plan.stages.emplace_back();
    facts.stages.push_back({1'000'000'000, true, {}});
  }

  // A cell with one task in the last stage; the value is the task's id.
  std::uint32_t cell(const CellSpec& spec) {
    auto& stage = plan.stages.back();
    plan::Cell cell;
    cell.scenario = spec.scenario;
    cell.step = spec.step;
    cell.table = spec.table;
    cell.row = pod_name(spec.client);
    cell.column = spec.column;
    cell.flow = flow(spec);
    cell.id = spec.scenario + "/" + spec.step + "/" + cell.row + ">" + spec.column + "/" +
              std::string(to_string(spec.protocol)) + "/" + std::string(to_string(spec.family));
    cell.expectation = expectation(spec);
    cell.rule = spec.rule;
    cell.follow_bound = std::chrono::milliseconds(spec.rule == plan::CellRule::kFollow ? 100 : 0);
    cell.controls = spec.controls;
    cell.earlier = spec.earlier;
    const auto task = ++last_task_;
    cell.tasks = {task};
    ProbeTask probes;
    probes.id = task;
    probes.place = cell.row;
    probes.target = cell.flow.entry.target;
    probes.method = method(spec.protocol);
    probes.count = spec.count;
    probes.source_port = spec.source_port;
    probes.connection = spec.connection;
    auto& list = spec.rule == plan::CellRule::kFollow ? stage.follow_tasks : stage.tasks;
    list.push_back({node_name(spec.client), probes});
    stage.cells.push_back(std::move(cell));
    return task;
  }

  // A control of `count` probes in the last stage, all right unless `bad` of them are not; the value is its index.
  std::uint32_t control(bool positive, std::uint32_t count = 5, std::uint32_t bad = 0, std::uint32_t unreported = 0) {
    auto& stage = plan.stages.back();
    const auto task = ++last_task_;
    ProbeTask probes;
    probes.id = task;
    probes.count = count;
    stage.tasks.push_back({node_name(1), probes});
    const auto index = static_cast<std::uint32_t>(stage.controls.size());
    stage.controls.push_back({positive ? "control/positive/a>b" : "control/negative/a>b", positive, 2, {task}});
    for (std::uint32_t i = 0; i + unreported < count; ++i) {
      if (i < bad) {
        timed_out(task, i);
      } else if (positive) {
        replied(task, i, 2, pod_ip(1));
      } else {
        refused(task, i, pod_ip(2));
      }
    }
    return index;
  }

  void replied(std::uint32_t task, std::uint32_t sequence, std::uint32_t by, IpAddress source, std::int64_t sent = 0) {
    Sample sample = blank(task, sequence, Outcome::kReplied, sent);
    sample.responder = by;
    sample.seen_source = {source, 40000};
    samples.push_back(sample);
    sight(task, sequence, by);
  }
  void refused(std::uint32_t task, std::uint32_t sequence, IpAddress from) {
    Sample sample = blank(task, sequence, Outcome::kRefused, 0);
    sample.refusal = {RefusalKind::kIcmp, 3, 3, from};
    samples.push_back(sample);
  }
  void timed_out(std::uint32_t task, std::uint32_t sequence, std::int64_t sent = 0) {
    samples.push_back(blank(task, sequence, Outcome::kTimedOut, sent));
  }
  // Something accepted the flow, and no answer with an identity came.
  void accepted(std::uint32_t task, std::uint32_t sequence) {
    auto sample = blank(task, sequence, Outcome::kTimedOut, 0);
    sample.error = "accepted by something that gave no identity";
    samples.push_back(sample);
  }
  void tool_error(std::uint32_t task, std::uint32_t sequence, std::string text) {
    Sample sample = blank(task, sequence, Outcome::kToolError, 0);
    sample.error = std::move(text);
    samples.push_back(sample);
  }
  void sight(std::uint32_t task, std::uint32_t sequence, std::uint32_t by) {
    sights.push_back({probe_id(task, sequence), by, {}, 0});
  }
  // Sequences first..last-1 answered in turn by these responders, which saw the client's own address.
  void answer(std::uint32_t task, std::uint32_t first, std::uint32_t last, const std::vector<std::uint32_t>& by,
              IpAddress source = pod_ip(1)) {
    for (auto i = first; i < last; ++i) replied(task, i, by[i % by.size()], source);
  }

  [[nodiscard]] matrix::SampleTable joined() const {
    matrix::SampleTable table(plan);
    for (const auto& sample : samples) table.add(sample);
    for (const auto& entry : sights) table.add(entry);
    return table;
  }
  [[nodiscard]] matrix::Observations folded() const { return matrix::fold(plan, joined(), facts); }
  [[nodiscard]] judge::Judgement judged() const { return judge::judge(plan, folded(), facts); }

  plan::Plan plan;
  matrix::RunFacts facts;
  std::vector<Sample> samples;
  std::vector<Sight> sights;

 private:
  static Method method(Protocol protocol) {
    return protocol == Protocol::kTcp   ? Method::kTcpSocket
           : protocol == Protocol::kUdp ? Method::kUdpSocket
                                        : Method::kSctpInit;
  }
  static Flow flow(const CellSpec& spec) {
    Flow flow;
    flow.vantage = pod_vantage(spec.client, spec.family);
    flow.protocol = spec.protocol;
    flow.entry.service = "default/web";
    flow.entry.target = {ip(spec.family == Family::kIpv4 ? "10.96.0.10" : "fd00:96::a"), 80};
    if (!spec.entry_node.empty()) {
      flow.entry.kind = EntryKind::kNodePort;
      flow.entry.node = spec.entry_node;
      flow.entry.target = {node_ip(spec.entry_node.back() - '0', spec.family), 30080};
    }
    return flow;
  }
  static Expectation expectation(const CellSpec& spec) {
    Expectation expectation;
    expectation.outcomes = spec.outcomes;
    expectation.spread = spec.spread;
    expectation.scored = spec.scored;
    if (spec.outcomes.replied) {
      for (const auto node : spec.endpoints) expectation.endpoints.push_back({pod_ip(node, spec.family), kPort});
      expectation.source = spec.source;
      if (spec.source == SourceRule::kClient) expectation.source_addresses = {pod_ip(spec.client, spec.family)};
      if (spec.source == SourceRule::kNode) expectation.source_addresses = {node_ip(spec.client, spec.family)};
    }
    expectation.rules = {{"all-ready", "2 endpoints are ready", "KEP-1669"}};
    return expectation;
  }
  static Sample blank(std::uint32_t task, std::uint32_t sequence, Outcome outcome, std::int64_t sent) {
    Sample sample;
    sample.id = probe_id(task, sequence);
    sample.outcome = outcome;
    sample.sent_ns = sent;
    sample.round_trip_ns = outcome == Outcome::kReplied ? 100'000 : 0;
    return sample;
  }
  std::uint32_t last_task_ = 0;
};

}  // namespace conntruth::testing
