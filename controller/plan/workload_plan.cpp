#include "controller/plan/workload_plan.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <set>

#include "controller/plan/canary.hpp"
#include "controller/plan/draft.hpp"
#include "controller/plan/given_world.hpp"
#include "controller/plan/rollout_builder.hpp"
#include "controller/plan/selection.hpp"
#include "controller/plan/stage_builder.hpp"

namespace conntruth::plan {
namespace {

Status add_pods(const std::vector<WorkloadPlace>& pods, Topology& topology) {
  for (const auto& pod : pods) {
    if (topology.pod(pod.name) != nullptr) continue;
    const auto node = std::ranges::find(topology.nodes, pod.node, &TopologyNode::name);
    if (node == topology.nodes.end())
      return fail(ErrorCode::kInvalidInput, fmt::format("pod {} is on {}, which takes no part", pod.name, pod.node));
    node->pods.push_back({pod.name, pod.addresses, "", ""});
  }
  return {};
}

class WorkloadPlanner {
 public:
  WorkloadPlanner(const Topology& topology, const std::vector<world::Node>& nodes, const WorkloadScript& script,
                  const PlanOptions& options)
      : topology_(topology),
        nodes_(nodes),
        script_(script),
        options_(options),
        selection_(options),
        allocation_(topology.ranges, options.fixed_port_offset) {}

  [[nodiscard]] Result<Plan> run() {
    const auto selected = selection_.scenarios(script_.scenarios);
    if (!selected) return std::unexpected(selected.error());
    plan_.topology = topology_;
    for (std::size_t index = 0; index < script_.stages.size(); ++index) {
      if (auto status = add_stage(index); !status)
        return std::unexpected(status.error().in(fmt::format("stage {}", index + 1)));
    }
    for (const auto* scenario : *selected) name_not_reached(*scenario);
    plan_.responders = responders_.take();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] Status add_stage(std::size_t index) {
    const auto& facts = script_.stages[index];
    auto topology = topology_;
    if (auto added = add_pods(facts.pods, topology); !added) return added;
    if (auto added = add_pods(facts.pods, plan_.topology); !added) return added;
    const Places places(topology);
    Workshop workshop{places,       options_,    std::move(responders_), last_task_,      {},
                      kControlPort, kClosedPort, topology_.dns,          std::move(kept_)};
    auto& stage = plan_.stages.emplace_back();
    stage.world.generation = index + 1;
    stage.world.nodes = nodes_;
    adopt(facts.pods, places, workshop);
    auto status =
        facts.rollout ? add_rollout(facts, *facts.rollout, workshop, stage) : fill(index, topology, workshop, stage);
    responders_ = std::move(workshop.responders);
    kept_ = std::move(workshop.kept);
    last_task_ = workshop.last_task;
    std::ranges::move(workshop.not_run, std::back_inserter(plan_.not_run));
    return status;
  }

  static void adopt(const std::vector<WorkloadPlace>& pods, const Places& places, Workshop& workshop) {
    for (const auto& pod : pods) {
      const auto* place = pod.addresses.empty() ? nullptr : places.find(pod.addresses.front());
      if (place == nullptr) continue;
      workshop.responders.adopt(*place, Protocol::kTcp, pod.port, pod.tcp_responder);
      workshop.responders.adopt(*place, Protocol::kUdp, pod.port, pod.udp_responder);
    }
  }

  [[nodiscard]] Status fill(std::size_t index, const Topology& topology, Workshop& workshop, Stage& stage) {
    const auto& facts = script_.stages[index];
    StageBuilder builder(workshop, stage);
    const auto canary = Canary::make(topology, workshop.places, allocation_);
    if (!canary) return std::unexpected(canary.error());
    if (auto status = canary->add(index, stage, workshop, builder); !status) return status;
    canary->publish(index, stage, workshop);
    auto world = facts.world;
    world.nodes = nodes_;
    for (const auto& probes : facts.probes) {
      if (auto status = add_probes(probes, world, topology, workshop, builder); !status) return status;
    }
    return {};
  }

  [[nodiscard]] Status add_probes(const WorkloadProbes& probes, const world::World& world, const Topology& topology,
                                  Workshop& workshop, StageBuilder& builder) {
    reached_.insert(probes.scenario + "/" + probes.step);
    catalogue::Step step;
    step.name = probes.step;
    ScenarioWorld built;
    built.world = world;
    for (const auto& name : probes.services) {
      auto copy = service_copy(name, world, workshop.places);
      if (!copy) return std::unexpected(copy.error());
      for (auto& probe : probes_of(*copy, {!topology.external_clients.empty(), false, false}))
        step.probes.push_back(std::move(probe));
      if (std::ranges::find(probes.kept, name) != probes.kept.end()) step.probes.push_back(kept_probe(name));
      built.copies.push_back(std::move(*copy));
    }
    const auto& scenario = outline(probes.scenario);
    auto drafts = draft_step(scenario, step, built, topology, workshop.places, allocation_, options_);
    if (!drafts) return std::unexpected(drafts.error());
    std::ranges::move(drafts->not_run, std::back_inserter(workshop.not_run));
    for (const auto& draft : drafts->drafts) {
      if (!selection_.takes_cell(scenario, draft.id(), draft.covers)) continue;
      if (auto status = builder.add(draft, world); !status) return status;
    }
    return {};
  }

  [[nodiscard]] static catalogue::ProbeSpec kept_probe(const std::string& service) {
    catalogue::ProbeSpec spec;
    spec.from = {catalogue::Client::kPod, catalogue::Client::kNode};
    spec.to = {EntryKind::kClusterIp};
    spec.services = {service};
    spec.rule = catalogue::ProbeRule::kKeptConnection;
    return spec;
  }

  [[nodiscard]] static Result<ServiceCopy> service_copy(const std::string& name, const world::World& world,
                                                        const Places& places) {
    const auto key = fmt::format("{}/{}", kNamespace, name);
    const auto* service = world.service(key);
    if (service == nullptr) return fail(ErrorCode::kInvalidInput, "the API has no Service " + key);
    auto copy = copy_of(*service, world, places);
    copy.name = name;
    for (const auto& endpoint : copy.endpoints) {
      if (endpoint.place == nullptr)
        return fail(ErrorCode::kInvalidInput,
                    fmt::format("an EndpointSlice of {} has {}, which is no pod's of this run", key,
                                endpoint.addresses.front().to_string()));
    }
    return copy;
  }

  [[nodiscard]] Status add_rollout(const WorkloadStage& facts, const WorkloadRollout& rollout, Workshop& workshop,
                                   Stage& stage) {
    const auto& probes = facts.probes.front();
    reached_.insert(probes.scenario + "/" + probes.step);
    const auto copy = service_copy(rollout.service, facts.world, workshop.places);
    if (!copy) return std::unexpected(copy.error());
    auto world = facts.world;
    world.nodes = nodes_;
    RolloutBuilder builder(workshop, stage, world, rollout);
    return builder.build(probes.scenario, probes.step, *copy);
  }

  void name_not_reached(const catalogue::Scenario& scenario) {
    for (const auto& step : scenario.steps) {
      if (reached_.contains(scenario.id + "/" + step.name)) continue;
      plan_.not_run.push_back(
          {fmt::format("{}/{}/*", scenario.id, step.name), scenario.id, "the run did not come to it"});
    }
  }

  [[nodiscard]] const catalogue::Scenario& outline(const std::string& id) const {
    return *std::ranges::find(script_.scenarios, id, &catalogue::Scenario::id);
  }

  const Topology& topology_;
  const std::vector<world::Node>& nodes_;
  const WorkloadScript& script_;
  const PlanOptions& options_;
  Selection selection_;
  Allocation allocation_;
  ResponderTable responders_;
  std::map<std::string, KeptFlow> kept_;
  std::uint32_t last_task_ = 0;
  std::set<std::string> reached_;
  Plan plan_;
};

}  // namespace

Result<std::vector<std::string>> selected_scenarios(const WorkloadScript& script, const PlanOptions& options) {
  const auto selected = Selection(options).scenarios(script.scenarios);
  if (!selected) return std::unexpected(selected.error());
  std::vector<std::string> ids;
  for (const auto* scenario : *selected) ids.push_back(scenario->id);
  return ids;
}

Result<Plan> make_workload_plan(const Topology& topology, const std::vector<world::Node>& nodes,
                                const WorkloadScript& script, const PlanOptions& options) {
  if (topology.nodes.empty()) return fail(ErrorCode::kNotFound, "the topology has no nodes to probe from");
  return WorkloadPlanner(topology, nodes, script, options).run();
}

}  // namespace conntruth::plan
