#include "controller/plan/planner.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "controller/plan/canary.hpp"
#include "controller/plan/draft.hpp"
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
        workshop_{places_, options, {}, 0, {}, kControlPort, kClosedPort} {}

  [[nodiscard]] Result<Plan> run(const std::vector<catalogue::Scenario>& all) {
    const auto selected = selection_.scenarios(all);
    if (!selected) return std::unexpected(selected.error());
    const auto canary = Canary::make(topology_, places_, allocation_);
    if (!canary) return std::unexpected(canary.error());
    std::size_t stages = 0;
    for (const auto* scenario : *selected) stages = std::max(stages, scenario->steps.size());
    std::vector<const catalogue::Scenario*> running = *selected;
    for (std::size_t index = 0; index < stages; ++index) {
      if (auto status = add_stage(index, running, *canary); !status) return std::unexpected(status.error());
    }
    if (auto status = selection_.check_cells(seen_cells_); !status) return std::unexpected(status.error());
    plan_.topology = topology_;
    plan_.responders = workshop_.responders.take();
    plan_.not_run = std::move(workshop_.not_run);
    return std::move(plan_);
  }

 private:
  [[nodiscard]] Status add_stage(std::size_t index, std::vector<const catalogue::Scenario*>& running,
                                 const Canary& canary) {
    auto& stage = plan_.stages.emplace_back();
    stage.world.generation = index + 1;
    stage.world.nodes = nodes_;
    StageBuilder builder(workshop_, stage);
    if (auto status = canary.add(index, stage, workshop_, builder); !status) return status;
    std::vector<const catalogue::Scenario*> left;
    for (const auto* scenario : running) {
      const auto added = add_scenario(*scenario, index, stage, builder);
      if (!added) return std::unexpected(added.error());
      if (*added) left.push_back(scenario);
    }
    running = std::move(left);
    canary.publish(index, stage, workshop_);
    return {};
  }

  // False: the topology has not what the scenario needs.
  [[nodiscard]] Result<bool> add_scenario(const catalogue::Scenario& scenario, std::size_t index, Stage& stage,
                                          StageBuilder& builder) {
    const auto last = scenario.steps.size() - 1;
    const auto& step = scenario.steps[std::min(index, last)];
    const auto lacking = [&](const Error& error) -> Result<bool> {
      if (error.code != ErrorCode::kNotFound && error.code != ErrorCode::kResource)
        return std::unexpected(error.in("scenario " + scenario.id));
      workshop_.not_run.push_back({fmt::format("{}/{}/*", scenario.id, step.name), scenario.id, error.message});
      return false;
    };
    const auto built = build_world(scenario, step, topology_, nodes_, places_, allocation_);
    if (!built) return lacking(built.error());
    const auto drafts = draft_step(scenario, step, *built, topology_, places_, allocation_, options_);
    if (!drafts) return lacking(drafts.error());
    publish(*built, stage);
    if (index > last) return true;
    stage.pause = std::max(stage.pause, step.pause);
    workshop_.not_run.insert(workshop_.not_run.end(), drafts->not_run.begin(), drafts->not_run.end());
    for (const auto& draft : drafts->drafts) {
      const auto id = draft.id();
      seen_cells_.push_back(id);
      if (!selection_.takes_cell(scenario, id)) continue;
      if (auto status = builder.add(draft, built->world); !status) return std::unexpected(status.error());
    }
    return true;
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
