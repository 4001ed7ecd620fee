#include "controller/plan/rollout_builder.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "controller/oracle/oracle.hpp"

namespace conntruth::plan {
namespace {

constexpr auto kPerRound = static_cast<std::uint32_t>(kRolloutRound / kRolloutInterval);

// The kernel's own ports of UDP come again before conntrack has forgotten them, and then a flow is no new one.
Method method_for(Protocol protocol) { return protocol == Protocol::kTcp ? Method::kTcpSocket : Method::kUdpCrafted; }

// Members of `a` that `b` has not; both sorted.
std::vector<SocketAddress> without(const std::vector<SocketAddress>& a, const std::vector<SocketAddress>& b) {
  std::vector<SocketAddress> result;
  std::ranges::set_difference(a, b, std::back_inserter(result));
  return result;
}

template <typename T>
bool wants(const std::vector<T>& list, const T& value) {
  return list.empty() || std::ranges::find(list, value) != list.end();
}

// Each node itself and its first pod.
std::vector<Origin> origins_in(const Places& places) {
  std::vector<Origin> origins;
  for (std::size_t node = 0; node < places.nodes(); ++node) {
    origins.push_back(places.origin(places.node(node)));
    if (!places.pods(node).empty()) origins.push_back(places.origin(places.pods(node).front()));
  }
  return origins;
}

}  // namespace

Status RolloutBuilder::build(const std::string& scenario, const std::string& step, const ServiceCopy& copy) {
  auto cells = gap_cells(scenario, step, copy);
  add_rounds(cells);
  std::vector<Cell> follow;
  for (auto& cell : cells) {
    if (auto status = judge_by_changes(cell, follow); !status) return status;
  }
  std::ranges::move(cells, std::back_inserter(stage_.cells));
  std::ranges::move(follow, std::back_inserter(stage_.cells));
  return {};
}

std::vector<Cell> RolloutBuilder::gap_cells(const std::string& scenario, const std::string& step,
                                            const ServiceCopy& copy) {
  std::vector<Cell> cells;
  for (const auto& origin : origins_in(workshop_.places)) {
    for (const auto& port : copy.ports) {
      for (const auto& address : copy.cluster_ips) {
        const auto family = address.family();
        if (!wants(workshop_.options.families, family) || !wants(workshop_.options.protocols, port.protocol)) continue;
        if (address_of(origin.sources, family).is_unspecified() || !workshop_.can_family(origin.agent, family) ||
            !workshop_.can(origin.agent, method_for(port.protocol)))
          continue;
        Cell cell;
        cell.id = fmt::format("{}/{}/{}>clusterIP:{}:{}:gap/{}/{}", scenario, step, origin.label(), copy.name,
                              port.name, to_string(port.protocol), to_string(family));
        cell.scenario = scenario;
        cell.step = step;
        cell.table = fmt::format("{} gap {} {}", copy.name, to_string(port.protocol), to_string(family));
        cell.row = origin.label();
        cell.column = copy.name;
        cell.flow = {origin.vantage(family),
                     {EntryKind::kClusterIp, copy.service.key(), port.name, "", {address, port.port}},
                     port.protocol};
        cell.rule = CellRule::kGap;
        cells.push_back(std::move(cell));
        origins_.push_back(origin);
      }
    }
  }
  return cells;
}

std::uint32_t RolloutBuilder::add_task(const Origin& origin, const SocketAddress& target, Method method) {
  PlannedTask planned{origin.agent, {}};
  auto& task = planned.task;
  task.id = ++workshop_.last_task;
  task.place = origin.name;
  task.source = address_of({}, target.address.family());
  task.target = target;
  task.method = method;
  task.count = kPerRound;
  task.interval = kRolloutInterval;
  task.timeout = workshop_.options.timeout;
  stage_.tasks.push_back(std::move(planned));
  return workshop_.last_task;
}

// Beside each cell's flows as many to an anchor of the next node: what they lose is no Service's fault.
void RolloutBuilder::add_rounds(std::vector<Cell>& cells) {
  const auto& places = workshop_.places;
  std::vector<SocketAddress> beside;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    auto& cell = cells[i];
    const auto next = (origins_[i].node_index + 1) % places.nodes();
    const auto& pods = places.pods(next);
    const bool itself = pods.empty() || pods.front().name == origins_[i].name;
    const auto& place = itself ? places.node(next) : pods.front();
    beside.push_back({address_of(place.addresses, cell.flow.family()), workshop_.control_port});
    Control control;
    control.id = fmt::format("control/pace/{}>{}/{}/{}", cell.row, place.label, to_string(cell.flow.protocol),
                             to_string(cell.flow.family()));
    control.responder = workshop_.responders.id(place, cell.flow.protocol, workshop_.control_port);
    cell.controls = {static_cast<std::uint32_t>(stage_.controls.size())};
    stage_.controls.push_back(std::move(control));
  }
  for (std::uint32_t round = 0; round < rollout_.rounds; ++round) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const auto method = method_for(cells[i].flow.protocol);
      cells[i].tasks.push_back(add_task(origins_[i], cells[i].flow.entry.target, method));
      stage_.controls[cells[i].controls.front()].tasks.push_back(add_task(origins_[i], beside[i], method));
    }
  }
}

Result<std::vector<RolloutBuilder::Era>> RolloutBuilder::eras(const Flow& flow, Expectation& whole) const {
  auto world = world_;
  std::vector<Era> result;
  const auto add = [&](std::int64_t at_ns) -> Status {
    auto expected = oracle::expect(world, flow);
    if (!expected) return std::unexpected(expected.error());
    std::ranges::sort(expected->endpoints);
    if (result.empty()) whole = *expected;
    if (result.empty() || result.back().endpoints != expected->endpoints)
      result.push_back({at_ns, expected->endpoints});
    return {};
  };
  if (auto added = add(0); !added) return std::unexpected(added.error());
  for (const auto& change : rollout_.changes) {
    std::erase_if(world.slices, [&](const auto& slice) { return slice.service_name == rollout_.service; });
    world.slices.insert(world.slices.end(), change.slices.begin(), change.slices.end());
    if (auto added = add(change.at_ns); !added) return std::unexpected(added.error());
  }
  return result;
}

// Any endpoint that was usable at any time may answer a flow of the gap; who answers how long after it is no longer one
// is what the other cells tell.
Status RolloutBuilder::judge_by_changes(Cell& gap, std::vector<Cell>& follow) const {
  const auto times = eras(gap.flow, gap.expectation);
  if (!times) return std::unexpected(times.error().in("cell " + gap.id));
  auto& all = gap.expectation.endpoints;
  for (const auto& era : *times) all.insert(all.end(), era.endpoints.begin(), era.endpoints.end());
  std::ranges::sort(all);
  const auto rest = std::ranges::unique(all);
  all.erase(rest.begin(), rest.end());
  gap.expectation.spread = Spread::kFree;
  if (gap.flow.vantage.kind != VantageKind::kNode || gap.flow.protocol != Protocol::kUdp) return {};
  unsigned came = 0;
  unsigned left = 0;
  for (std::size_t i = 1; i < times->size(); ++i) {
    const auto& before = times->at(i - 1).endpoints;
    const auto& now = times->at(i).endpoints;
    const auto add = [&](CellRule rule, std::string name, std::vector<SocketAddress> acceptable) {
      auto cell = gap;
      cell.rule = rule;
      cell.id.replace(cell.id.find(":gap/"), 4, ":" + name);
      cell.table =
          fmt::format("{} follow {} {}", gap.column, to_string(gap.flow.protocol), to_string(gap.flow.family()));
      cell.column = std::move(name);
      cell.expectation.endpoints = std::move(acceptable);
      cell.follow_bound = workshop_.options.follow_bound;
      cell.changed_ns = times->at(i).at_ns;
      follow.push_back(std::move(cell));
    };
    if (auto added = without(now, before); !added.empty())
      add(CellRule::kFollow, fmt::format("came-{}", ++came), added);
    if (const auto gone = without(before, now); !gone.empty())
      add(CellRule::kLeave, fmt::format("left-{}", ++left), without(all, gone));
  }
  return {};
}

}  // namespace conntruth::plan
