#include "controller/plan/worlds_plan.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <random>

#include "controller/plan/canary.hpp"
#include "controller/plan/draft.hpp"
#include "controller/plan/given_world.hpp"
#include "controller/plan/stage_builder.hpp"

namespace conntruth::plan {
namespace {

class WorldsPlanner {
 public:
  WorldsPlanner(const Topology& topology, const std::vector<world::Node>& nodes, const WorldsOptions& shape,
                const PlanOptions& options)
      : topology_(topology),
        nodes_(nodes),
        shape_(shape),
        options_(options),
        places_(topology),
        allocation_(topology.ranges, options.fixed_port_offset),
        workshop_{places_, options, {}, 0, {}, kControlPort, kClosedPort, topology.dns} {}

  [[nodiscard]] Result<Plan> run(const std::vector<NamedWorld>& worlds) {
    for (const auto& named : worlds) {
      for (const auto& service : named.world.services) {
        for (const auto& address : service.cluster_ips) allocation_.reserve(address);
      }
    }
    const auto canary = Canary::make(topology_, places_, allocation_);
    if (!canary) return std::unexpected(canary.error());
    const std::size_t per_stage = std::max<std::size_t>(shape_.per_stage, 1);
    for (std::size_t from = 0; from < worlds.size(); from += per_stage) {
      const auto until = std::min(from + per_stage, worlds.size());
      if (auto status = add_stage(
              {worlds.begin() + static_cast<std::ptrdiff_t>(from), worlds.begin() + static_cast<std::ptrdiff_t>(until)},
              *canary);
          !status) {
        return std::unexpected(status.error());
      }
    }
    plan_.topology = topology_;
    plan_.responders = workshop_.responders.take();
    plan_.not_run = std::move(workshop_.not_run);
    return std::move(plan_);
  }

 private:
  [[nodiscard]] Status add_stage(const std::vector<NamedWorld>& worlds, const Canary& canary) {
    const auto index = plan_.stages.size();
    auto& stage = plan_.stages.emplace_back();
    stage.world.generation = index + 1;
    stage.world.nodes = nodes_;
    StageBuilder builder(workshop_, stage);
    if (auto status = canary.add(index, stage, workshop_, builder); !status) return status;
    // The whole stage is asked about: what another world of it has at an address counts, too.
    for (const auto& named : worlds) {
      const auto& from = named.world;
      stage.world.services.insert(stage.world.services.end(), from.services.begin(), from.services.end());
      stage.world.slices.insert(stage.world.slices.end(), from.slices.begin(), from.slices.end());
    }
    for (const auto& named : worlds) {
      if (auto status = add_world(named, builder); !status) return status;
    }
    canary.publish(index, stage, workshop_);
    return {};
  }

  [[nodiscard]] Status add_world(const NamedWorld& named, StageBuilder& builder) {
    ScenarioWorld built;
    built.world = named.world;
    built.world.nodes = nodes_;
    catalogue::Step step;
    step.name = "given";
    for (const auto& service : named.world.services) {
      auto copy = copy_of(service, named.world, places_);
      if (auto status = add_responders(copy); !status) return status;
      for (auto& probe : probes_of(copy, {!topology_.external_clients.empty(), true})) {
        step.probes.push_back(std::move(probe));
      }
      built.copies.push_back(std::move(copy));
    }
    catalogue::Scenario scenario;
    scenario.id = named.id;
    auto drafts = draft_step(scenario, step, built, topology_, places_, allocation_, options_);
    if (!drafts) return std::unexpected(drafts.error().in(named.id));
    for (const auto& draft : sample(named, std::move(drafts->drafts))) {
      if (auto status = builder.add(draft, plan_.stages.back().world); !status) return status;
    }
    return {};
  }

  [[nodiscard]] Status add_responders(const ServiceCopy& copy) {
    for (const auto& endpoint : copy.endpoints) {
      if (endpoint.place == nullptr) {
        return fail(ErrorCode::kInvalidInput, fmt::format("service {}: endpoint {} is no pod's or node's address here",
                                                          copy.service.key(), endpoint.addresses.front().to_string()));
      }
      for (const auto& port : endpoint.ports) {
        if (port.port != 0) workshop_.responders.id(*endpoint.place, port.protocol, port.port);
      }
    }
    return {};
  }

  [[nodiscard]] std::vector<Draft> sample(const NamedWorld& named, std::vector<Draft> drafts) const {
    if (named.only) {
      std::erase_if(drafts, [&](const Draft& draft) {
        const auto family = draft.entry.target.address.family();
        return key_of({draft.origin.vantage(family), draft.entry, draft.protocol}) != *named.only;
      });
      return drafts;
    }
    if (shape_.flows == 0 || drafts.size() <= shape_.flows) return drafts;
    // By hand: the library's distributions are not the same everywhere, and a seed has to be.
    std::mt19937_64 random(named.seed);
    for (std::size_t place = 0; place < shape_.flows; ++place) {
      std::swap(drafts[place], drafts[place + random() % (drafts.size() - place)]);
    }
    drafts.resize(shape_.flows);
    std::ranges::sort(drafts, {}, &Draft::id);
    return drafts;
  }

  const Topology& topology_;
  const std::vector<world::Node>& nodes_;
  const WorldsOptions& shape_;
  const PlanOptions& options_;
  Places places_;
  Allocation allocation_;
  Workshop workshop_;
  Plan plan_;
};

}  // namespace

FlowKey key_of(const Flow& flow) {
  const auto& entry = flow.entry;
  return {flow.vantage.name(), entry.kind, entry.service, entry.port_name, entry.node, flow.protocol, flow.family()};
}

Result<Plan> make_worlds_plan(const Topology& topology, const std::vector<world::Node>& nodes,
                              const std::vector<NamedWorld>& worlds, const WorldsOptions& shape,
                              const PlanOptions& options) {
  if (topology.nodes.empty()) return fail(ErrorCode::kNotFound, "the topology has no nodes to probe from");
  return WorldsPlanner(topology, nodes, shape, options).run(worlds);
}

}  // namespace conntruth::plan
