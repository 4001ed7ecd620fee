#include "controller/plan/planner.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "controller/plan/canary.hpp"
#include "controller/plan/draft.hpp"
#include "controller/plan/schedule.hpp"
#include "controller/plan/selection.hpp"
#include "controller/plan/stage_builder.hpp"

namespace conntruth::plan {
namespace {

class Planner {
 public:
  Planner(const Topology& topology, const std::vector<world::Node>& nodes, const PlanOptions& options)
      : topology_(topology),
        nodes_(nodes),
        options_(options),
        selection_(options),
        places_(topology),
        allocation_(topology.ranges, options.fixed_port_offset),
        workshop_{places_, options, {}, 0, {}, kControlPort, kClosedPort, topology.dns} {}

  [[nodiscard]] Result<Plan> run(const std::vector<catalogue::Scenario>& all) {
    const auto selected = selection_.scenarios(all);
    if (!selected) return std::unexpected(selected.error());
    const auto canary = Canary::make(topology_, places_, allocation_);
    if (!canary) return std::unexpected(canary.error());
    if (auto status = draft(*selected); !status) return std::unexpected(status.error());
    schedule();
    std::size_t stages = 0;
    for (const auto& each : running_) stages = std::max(stages, each.first_stage + each.steps.size());
    for (std::size_t index = 0; index < stages; ++index) {
      if (auto status = add_stage(index, *canary); !status) return std::unexpected(status.error());
    }
    if (auto status = selection_.check_cells(seen_cells_); !status) return std::unexpected(status.error());
    plan_.topology = topology_;
    plan_.responders = workshop_.responders.take();
    plan_.not_run = std::move(workshop_.not_run);
    return std::move(plan_);
  }

 private:
  struct DraftedStep {
    ScenarioWorld world;
    std::vector<Draft> drafts;  // selected ones
    std::chrono::milliseconds pause{0};
  };
  struct Running {
    const catalogue::Scenario* scenario;
    std::vector<DraftedStep> steps;
    std::size_t first_stage = 0;
  };

  [[nodiscard]] Status draft(const std::vector<const catalogue::Scenario*>& scenarios) {
    for (const auto* scenario : scenarios) {
      Running running{scenario, {}};
      for (const auto& step : scenario->steps) {
        const auto drafted = draft(*scenario, step, running.steps);
        if (!drafted) return std::unexpected(drafted.error().in("scenario " + scenario->id));
        if (!*drafted) break;
      }
      // Steps after the last one that is probed change nothing that is looked at.
      while (!running.steps.empty() && running.steps.back().drafts.empty()) running.steps.pop_back();
      if (!running.steps.empty()) running_.push_back(std::move(running));
    }
    return {};
  }

  // False: the topology has not what the scenario needs.
  [[nodiscard]] Result<bool> draft(const catalogue::Scenario& scenario, const catalogue::Step& step,
                                   std::vector<DraftedStep>& into) {
    const auto lacking = [&](const Error& error) -> Result<bool> {
      if (error.code != ErrorCode::kNotFound && error.code != ErrorCode::kResource) return std::unexpected(error);
      workshop_.not_run.push_back({fmt::format("{}/{}/*", scenario.id, step.name), scenario.id, error.message});
      return false;
    };
    if (!step.nodes.empty() && !options_.nodes_may_change)
      return lacking({ErrorCode::kNotFound, "changes Nodes, which only a lab of its own allows"});
    auto built = build_world(scenario, step, topology_, nodes_, places_, allocation_);
    if (!built) return lacking(built.error());
    auto drafts = draft_step(scenario, step, *built, topology_, places_, allocation_, options_);
    if (!drafts) return lacking(drafts.error());
    workshop_.not_run.insert(workshop_.not_run.end(), drafts->not_run.begin(), drafts->not_run.end());
    std::erase_if(drafts->drafts, [&](const Draft& each) {
      seen_cells_.push_back(each.id());
      return !selection_.takes_cell(scenario, seen_cells_.back(), each.covers);
    });
    into.push_back({std::move(*built), std::move(drafts->drafts), step.pause});
    return true;
  }

  void schedule() {
    std::vector<std::vector<StepLoad>> loads;
    for (const auto& running : running_) {
      auto& steps = loads.emplace_back();
      for (const auto& step : running.steps) steps.push_back(load_of(step));
    }
    const auto first = first_stages(loads);
    for (std::size_t index = 0; index < running_.size(); ++index) running_[index].first_stage = first[index];
  }

  // What is expected is not known yet: every cell counts as one that is answered.
  [[nodiscard]] StepLoad load_of(const DraftedStep& step) const {
    StepLoad load{0, step.pause};
    const auto paced = [&load](std::uint32_t count, std::chrono::milliseconds interval) {
      load.probes += count;
      load.span = std::max(load.span, count * interval);
    };
    for (const auto& each : step.drafts) {
      switch (each.rule) {
        case catalogue::ProbeRule::kNewFlows:
          if (each.entry.kind == EntryKind::kName) {
            paced(options_.lookups, options_.lookup_interval);
            break;
          }
          load.probes += http_path(each.entry.kind).empty() ? options_.answered.total() : options_.http_requests;
          break;
        case catalogue::ProbeRule::kFixedFlow:
          paced(options_.fixed_flow, options_.fixed_interval);
          break;
        case catalogue::ProbeRule::kKeptConnection:
          paced(options_.kept_requests, options_.kept_interval);
          break;
        case catalogue::ProbeRule::kRotate:
          paced(options_.rotations, options_.rotation_interval);
          break;
      }
    }
    return load;
  }

  [[nodiscard]] Status add_stage(std::size_t index, const Canary& canary) {
    auto& stage = plan_.stages.emplace_back();
    stage.world.generation = index + 1;
    stage.world.nodes = nodes_at(index);
    StageBuilder builder(workshop_, stage);
    if (auto status = canary.add(index, stage, workshop_, builder); !status) return status;
    for (const auto& running : running_) {
      if (index < running.first_stage) continue;
      if (auto status = add_scenario(running, index - running.first_stage, stage, builder); !status) return status;
    }
    canary.publish(index, stage, workshop_);
    return {};
  }

  // Nodes are everybody's: what one scenario does to them is in the world of all that run beside it.
  [[nodiscard]] std::vector<world::Node> nodes_at(std::size_t index) const {
    auto nodes = nodes_;
    for (const auto& running : running_) {
      if (index < running.first_stage) continue;
      const auto step = std::min(index - running.first_stage, running.steps.size() - 1);
      for (const auto& spec : running.scenario->steps[step].nodes) {
        const auto chosen = catalogue::resolve(spec.on, places_.nodes(), {});
        if (!chosen) continue;  // as many nodes as the topology has
        for (const auto each : *chosen) change_node(spec, places_.node(each).label, nodes);
      }
    }
    return nodes;
  }

  static void change_node(const catalogue::NodeSpec& spec, const std::string& name, std::vector<world::Node>& nodes) {
    const auto node = std::ranges::find(nodes, name, &world::Node::name);
    if (node == nodes.end()) return;
    node->deleting = node->deleting || spec.deleting;
    const bool tainted =
        std::ranges::find(node->taints, world::kScaleDownTaint, &world::Taint::key) != node->taints.end();
    if (spec.scale_down && !tainted) node->taints.push_back({std::string(world::kScaleDownTaint), "", "NoSchedule"});
  }

  // A scenario that is over stays in the world as its last step left it.
  [[nodiscard]] Status add_scenario(const Running& running, std::size_t index, Stage& stage, StageBuilder& builder) {
    const auto last = running.steps.size() - 1;
    const auto& step = running.steps[std::min(index, last)];
    publish(step.world, stage);
    if (index > last) return {};
    stage.pause = std::max(stage.pause, step.pause);
    auto world = step.world.world;
    world.nodes = stage.world.nodes;
    for (const auto& draft : step.drafts) {
      if (auto status = builder.add(draft, world); !status) return status;
    }
    return {};
  }

  void publish(const ScenarioWorld& built, Stage& stage) {
    const auto& from = built.world;
    stage.world.services.insert(stage.world.services.end(), from.services.begin(), from.services.end());
    stage.world.slices.insert(stage.world.slices.end(), from.slices.begin(), from.slices.end());
    // Endpoints that must not be used answer too: a wrong answer says more than silence.
    for (const auto& copy : built.copies) {
      for (const auto& endpoint : copy.endpoints) {
        for (const auto& port : endpoint.ports) {
          if (answers(*endpoint.place, port.protocol))
            workshop_.responders.id(*endpoint.place, port.protocol, port.port);
        }
      }
    }
  }

  [[nodiscard]] bool answers(const Place& place, Protocol protocol) const {
    const bool wanted =
        options_.protocols.empty() || std::ranges::find(options_.protocols, protocol) != options_.protocols.end();
    return wanted && (protocol != Protocol::kSctp || workshop_.can(place.agent, Method::kSctpInit));
  }

  const Topology& topology_;
  const std::vector<world::Node>& nodes_;
  const PlanOptions& options_;
  Selection selection_;
  Places places_;
  Allocation allocation_;
  Workshop workshop_;
  std::vector<std::string> seen_cells_;
  std::vector<Running> running_;  // in the catalogue's order
  Plan plan_;
};

}  // namespace

Result<Plan> make_plan(const Topology& topology, const std::vector<world::Node>& nodes,
                       const std::vector<catalogue::Scenario>& scenarios, const PlanOptions& options) {
  if (topology.nodes.empty()) return fail(ErrorCode::kNotFound, "the topology has no nodes to probe from");
  return Planner(topology, nodes, options).run(scenarios);
}

std::uint64_t count_probes(const Plan& plan) {
  std::uint64_t total = 0;
  for (const auto& stage : plan.stages) {
    for (const auto& planned : stage.tasks) total += planned.task.count;
  }
  return total;
}

}  // namespace conntruth::plan
