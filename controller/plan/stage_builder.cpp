#include "controller/plan/stage_builder.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "controller/oracle/oracle.hpp"

namespace conntruth::plan {
namespace {

using catalogue::ProbeRule;

// kube-proxy tells its health servers of a change at the end of a sync, after the rules that the canary shows.
constexpr std::chrono::milliseconds kHttpInterval{50};

bool is_crafted(Method method) {
  return method == Method::kUdpCrafted || method == Method::kTcpSyn || method == Method::kSctpInit;
}

// Socket method first; SCTP has only one.
std::vector<Method> methods_for(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return {Method::kTcpSocket, Method::kTcpSyn};
    case Protocol::kUdp:
      return {Method::kUdpSocket, Method::kUdpCrafted};
    case Protocol::kSctp:
      return {Method::kSctpInit};
  }
  return {};
}

std::vector<Method> methods_for(const Draft& draft) {
  if (draft.entry.kind == EntryKind::kName) return {Method::kDnsLookup};
  return http_path(draft.entry.kind).empty() ? methods_for(draft.protocol) : std::vector{Method::kHttpGet};
}

CellRule cell_rule(ProbeRule rule) {
  switch (rule) {
    case ProbeRule::kNewFlows:
    case ProbeRule::kFixedFlow:
      return CellRule::kFlows;
    case ProbeRule::kRotate:
      return CellRule::kRotate;
    case ProbeRule::kKeptConnection:
      return CellRule::kKept;
  }
  return CellRule::kFlows;
}

bool is_one_flow(ProbeRule rule) { return rule == ProbeRule::kFixedFlow || rule == ProbeRule::kKeptConnection; }

// Fixed ports are the crafted methods', a connection is the kernel's.
bool suits(ProbeRule rule, Method method) {
  if (rule == ProbeRule::kNewFlows) return true;
  return rule == ProbeRule::kKeptConnection ? method == Method::kTcpSocket : is_crafted(method);
}

}  // namespace

std::uint32_t ResponderTable::id(const Place& place, Protocol protocol, std::uint16_t port) {
  const auto [known, fresh] = ids_.try_emplace({place.agent, place.name, protocol, port}, last_ + 1);
  if (fresh) responders_.push_back({place.agent, {++last_, place.name, protocol, port}, place.addresses});
  return known->second;
}

void ResponderTable::adopt(const Place& place, Protocol protocol, std::uint16_t port, std::uint32_t id) {
  if (ids_.try_emplace({place.agent, place.name, protocol, port}, id).second)
    responders_.push_back({place.agent, {id, place.name, protocol, port}, place.addresses});
}

bool Workshop::can(const std::string& agent, Method method) const {
  if (options.capabilities.empty()) return true;
  const auto known = options.capabilities.find(agent);
  return known != options.capabilities.end() &&
         std::ranges::find(known->second, to_string(method)) != known->second.end();
}

bool Workshop::can_family(const std::string& agent, Family family) const {
  if (family == Family::kIpv4 || options.capabilities.empty()) return true;
  const auto known = options.capabilities.find(agent);
  return known == options.capabilities.end() || std::ranges::find(known->second, "ipv6") != known->second.end();
}

std::vector<Method> StageBuilder::methods_of(const Draft& draft) const {
  auto methods = methods_for(draft);
  std::erase_if(
      methods, [&](Method method) { return !workshop_.can(draft.origin.agent, method) || !suits(draft.rule, method); });
  return methods;
}

// "" where the cell can run.
std::string StageBuilder::why_not(const Draft& draft) const {
  const auto& agent = draft.origin.agent;
  const auto& capabilities = workshop_.options.capabilities;
  if (!capabilities.empty() && !capabilities.contains(agent)) return fmt::format("there is no agent on {}", agent);
  if (methods_of(draft).empty()) {
    return fmt::format("the agent on {} cannot do {}", agent, to_string(methods_for(draft).back()));
  }
  const auto family = draft.entry.target.address.family();
  for (const auto* place : draft.endpoints) {
    if (!capabilities.empty() && !capabilities.contains(place->agent)) {
      return fmt::format("there is no agent on {} to answer", place->agent);
    }
    if (draft.protocol == Protocol::kSctp && !workshop_.can(place->agent, Method::kSctpInit)) {
      return fmt::format("the agent on {} cannot answer sctp", place->agent);
    }
  }
  if (!workshop_.can_family(agent, family)) return fmt::format("the agent on {} has no {}", agent, to_string(family));
  return {};
}

namespace {

void allow_for_icmp_limit(Expectation& expectation) {
  auto& outcomes = expectation.outcomes;
  if (!outcomes.refused || outcomes.timed_out) return;
  outcomes.timed_out = true;
  expectation.rules.push_back({"icmp-errors-limited",
                               "kernels send few ICMP errors to one peer, so that silence may stand for a refusal",
                               "Linux: net.ipv4.icmp_ratelimit, net.ipv6.icmp.ratelimit"});
}

}  // namespace

Flows StageBuilder::flows_for(const Draft& draft, const Expectation& expectation) const {
  const auto& options = workshop_.options;
  if (draft.rule == ProbeRule::kFixedFlow) {
    const auto changing = static_cast<std::uint32_t>(options.old_flows_bound / options.fixed_interval);
    return {0, options.fixed_flow + (workshop_.kept.contains(draft.id_over_steps()) ? changing : 0)};
  }
  if (!http_path(draft.entry.kind).empty()) return {options.http_requests, 0};
  if (draft.rule == ProbeRule::kKeptConnection) return {options.kept_requests, 0};
  if (draft.rule == ProbeRule::kRotate) return {0, options.rotations};
  if (!expectation.scored) return options.control;
  if (!expectation.outcomes.replied) return options.unanswered;
  return expectation.spread == Spread::kSticky ? options.sticky : options.answered;
}

std::uint32_t StageBuilder::add_task(const Origin& origin, const SocketAddress& target, Method method,
                                     std::uint32_t count, std::vector<PlannedTask>& into) {
  PlannedTask planned{origin.agent, {}};
  planned.task.id = ++workshop_.last_task;
  planned.task.place = origin.name;
  // Only a client outside has several addresses to choose from; elsewhere the kernel's choice is part of the path.
  planned.task.source = origin.kind == VantageKind::kExternal ? address_of(origin.sources, target.address.family())
                                                              : address_of({}, target.address.family());
  planned.task.target = target;
  planned.task.method = method;
  planned.task.count = count;
  planned.task.timeout = workshop_.options.timeout;
  into.push_back(std::move(planned));
  return workshop_.last_task;
}

std::vector<std::uint32_t> StageBuilder::flow_tasks(const Origin& origin, const SocketAddress& target,
                                                    Protocol protocol, Flows flows) {
  auto methods = methods_for(protocol);
  std::erase_if(methods, [&](Method method) { return !workshop_.can(origin.agent, method); });
  std::vector<std::uint32_t> tasks;
  for (const auto method : methods) {
    const auto count = methods.size() == 1 ? flows.total() : is_crafted(method) ? flows.crafted : flows.socket;
    if (count > 0) tasks.push_back(add_task(origin, target, method, count, stage_.tasks));
  }
  return tasks;
}

std::vector<std::uint32_t> StageBuilder::lookup_tasks(const Draft& draft, const Expectation& expectation) {
  const auto& options = workshop_.options;
  const auto longest = static_cast<std::uint32_t>(options.names_bound / options.lookup_interval) + options.lookups;
  const auto count = expectation.name ? longest : options.lookups;
  const auto id = add_task(draft.origin, draft.entry.target, Method::kDnsLookup, count, stage_.tasks);
  auto& task = stage_.tasks.back().task;
  task.name = draft.entry.name;
  task.interval = options.lookup_interval;
  task.timeout *= kServerPatience;
  if (!expectation.name) return {id};
  task.until_name = expectation.name;
  task.until_count = options.lookups;
  return {id};
}

std::vector<std::uint32_t> StageBuilder::body_tasks(const Draft& draft, const Expectation& expectation) {
  if (draft.entry.kind == EntryKind::kName) return lookup_tasks(draft, expectation);
  const auto flows = flows_for(draft, expectation);
  const auto path = http_path(draft.entry.kind);
  if (draft.rule == ProbeRule::kNewFlows && path.empty())
    return flow_tasks(draft.origin, draft.entry.target, draft.protocol, flows);
  const auto method = methods_of(draft).front();
  const auto id = add_task(draft.origin, draft.entry.target, method, flows.total(), stage_.tasks);
  auto& task = stage_.tasks.back().task;
  task.path = path;
  if (!path.empty()) {
    task.timeout *= kServerPatience;
    task.interval = kHttpInterval;
  }
  task.source_port = draft.source_port;
  if (draft.rule == ProbeRule::kRotate) task.interval = workshop_.options.rotation_interval;
  if (draft.rule == ProbeRule::kKeptConnection) task.interval = workshop_.options.kept_interval;
  if (draft.rule == ProbeRule::kFixedFlow) pace_fixed_flow(draft, expectation, task);
  return {id};
}

void StageBuilder::pace_fixed_flow(const Draft& draft, const Expectation& expectation, ProbeTask& task) {
  task.interval = workshop_.options.fixed_interval;
  if (!workshop_.kept.contains(draft.id_over_steps())) return;
  task.until_count = workshop_.options.fixed_flow;
  task.until_refused = expectation.outcomes.refused;
  task.until_timed_out = expectation.outcomes.timed_out;
  if (!expectation.outcomes.replied) return;
  for (const auto& endpoint : expectation.endpoints) {
    const auto* place = workshop_.places.find(endpoint.address);
    if (place == nullptr) continue;
    task.until_responders.push_back(workshop_.responders.id(*place, draft.protocol, endpoint.port));
  }
}

Result<Expectation> StageBuilder::expect(const Draft& draft, const Flow& flow, const world::World& world) {
  const auto& profiles = workshop_.options.profiles;
  const auto kept = workshop_.kept.find(draft.id_over_steps());
  if (!is_one_flow(draft.rule) || kept == workshop_.kept.end()) return expect_first(draft, flow, world);
  const auto& before = kept->second;
  if (draft.rule == ProbeRule::kKeptConnection) {
    auto expectation = oracle::expect_established(before.opened, before.flow, world);
    if (!expectation) return expectation;
    return oracle::overlay_established(profiles, before.opened, before.flow, std::move(*expectation));
  }
  auto expectation = oracle::expect_fixed_udp(before.last, flow, world);
  if (!expectation) return expectation;
  return oracle::overlay_existing(profiles, world, flow, before.last, std::move(*expectation));
}

Result<Expectation> StageBuilder::expect_first(const Draft& draft, const Flow& flow, const world::World& world) {
  auto specified = oracle::expect(world, flow);
  if (!specified) return specified;
  auto expectation = oracle::overlay(workshop_.options.profiles, world, flow, std::move(*specified));
  // One flow has one endpoint, so that its probes say nothing about shares.
  if (is_one_flow(draft.rule) && !expectation.endpoints.empty()) expectation.spread = Spread::kFree;
  return expectation;
}

void StageBuilder::keep_flow(const Draft& draft, const world::World& world, Cell& cell) {
  const auto [known, fresh] = workshop_.kept.try_emplace(draft.id_over_steps());
  auto& kept = known->second;
  if (fresh) {
    kept.flow = cell.flow;
    kept.opened = world;
  }
  kept.last = cell.expectation;
  kept.tasks.insert(kept.tasks.end(), cell.tasks.begin(), cell.tasks.end());
  cell.earlier.assign(kept.tasks.begin(), kept.tasks.end() - static_cast<std::ptrdiff_t>(cell.tasks.size()));
  if (draft.rule != ProbeRule::kKeptConnection) return;
  // Task ids are unique in the run, so the first task's stands for its connection.
  stage_.tasks.back().task.connection = kept.tasks.front();
}

Status StageBuilder::add(const Draft& draft, const world::World& world) {
  if (auto reason = why_not(draft); !reason.empty()) {
    workshop_.not_run.push_back({draft.id(), draft.scenario, std::move(reason)});
    return {};
  }
  Cell cell;
  cell.id = draft.id();
  cell.scenario = draft.scenario;
  cell.step = draft.step;
  const auto family = draft.entry.target.address.family();
  cell.table = fmt::format("{} {} {}", draft.table, to_string(draft.protocol), to_string(family));
  cell.row = draft.row();
  cell.column = draft.column;
  cell.flow = {draft.origin.vantage(family), draft.entry, draft.protocol};
  auto expectation = expect(draft, cell.flow, world);
  if (!expectation) return std::unexpected(expectation.error().in("cell " + cell.id));
  cell.expectation = std::move(*expectation);
  if (workshop_.options.icmp_limited && draft.protocol == Protocol::kUdp) allow_for_icmp_limit(cell.expectation);
  cell.rule = cell_rule(draft.rule);
  const bool over_http = !http_path(draft.entry.kind).empty();
  // A flow that begins in this step has nothing to be moved from.
  const bool old_flow = draft.rule == ProbeRule::kFixedFlow && workshop_.kept.contains(draft.id_over_steps());
  if (old_flow || over_http) cell.settle = workshop_.options.old_flows_bound;
  if (draft.entry.kind == EntryKind::kName) cell.settle = workshop_.options.names_bound;
  cell.controls = controls_for(draft, cell.expectation);
  cell.tasks = body_tasks(draft, cell.expectation);
  if (is_one_flow(draft.rule)) keep_flow(draft, world, cell);
  stage_.cells.push_back(std::move(cell));
  return {};
}

Status StageBuilder::add_follow(const Draft& draft, const world::World& world, std::uint32_t responder) {
  const auto before = stage_.cells.size();
  if (auto status = add(draft, world); !status) return status;
  if (stage_.cells.size() == before) return {};
  auto& cell = stage_.cells.back();
  // Its probes run earlier and otherwise than a body's.
  stage_.tasks.erase(stage_.tasks.end() - static_cast<std::ptrdiff_t>(cell.tasks.size()), stage_.tasks.end());
  const auto& options = workshop_.options;
  cell.rule = CellRule::kFollow;
  cell.follow_bound = options.follow_bound;
  const auto count = static_cast<std::uint32_t>(options.follow_limit / options.follow_interval);
  const auto method = methods_of(draft).back();
  cell.tasks = {add_task(draft.origin, draft.entry.target, method, count, stage_.follow_tasks)};
  auto& task = stage_.follow_tasks.back().task;
  task.interval = options.follow_interval;
  task.until_responders = {responder};
  task.until_count = 5;
  return {};
}

}  // namespace conntruth::plan
