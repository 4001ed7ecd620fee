// A plan for a world that the user brings: no scenario, one stage, every Service from everywhere.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "controller/plan/canary.hpp"
#include "controller/plan/draft.hpp"
#include "controller/plan/given_world.hpp"
#include "controller/plan/planner.hpp"
#include "controller/plan/selection.hpp"
#include "controller/plan/stage_builder.hpp"

namespace conntruth::plan {
namespace {

constexpr std::size_t kNamedAddresses = 6;

Status wrong(std::string what) { return fail(ErrorCode::kInvalidInput, std::move(what)); }

std::string names_of(const Topology& topology) {
  std::vector<std::string> names;
  for (const auto& node : topology.nodes) names.push_back(node.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// "node-1-pod-0 10.244.1.10, node-1-pod-1 10.244.1.11, ... (12 in all)"
std::string addresses_of(const Places& places, Family family) {
  std::vector<std::string> texts;
  const auto add = [&](const Place& place) {
    const auto address = address_of(place.addresses, family);
    if (!address.is_unspecified()) texts.push_back(place.label + " " + address.to_string());
  };
  for (std::size_t node = 0; node < places.nodes(); ++node) {
    for (const auto& pod : places.pods(node)) add(pod);
    add(places.node(node));
  }
  const auto all = texts.size();
  texts.resize(std::min(all, kNamedAddresses));
  return fmt::format("{}{}", fmt::join(texts, ", "),
                     all > kNamedAddresses ? fmt::format(", ... ({} in all)", all) : "");
}

class WorldPlanner {
 public:
  WorldPlanner(const Topology& topology, world::World world, const PlanOptions& options)
      : topology_(topology),
        world_(std::move(world)),
        options_(options),
        places_(topology),
        allocation_(topology.ranges, options.fixed_port_offset),
        workshop_{places_, options, {}, 0, {}, kControlPort, kClosedPort, topology.dns} {
    scenario_.id = "world";
  }

  [[nodiscard]] Result<Plan> run(const std::vector<world::Node>& nodes) {
    if (auto status = check_nodes(nodes); !status) return std::unexpected(status.error());
    for (const auto& slice : world_.slices) {
      if (auto status = check_slice(slice); !status) return std::unexpected(status.error());
    }
    for (const auto& service : world_.services) add_copy(service);
    choose_ports();
    reserve_addresses();
    Plan plan;
    plan.topology = topology_;
    if (auto status = fill(plan.stages.emplace_back()); !status) return std::unexpected(status.error());
    plan.responders = workshop_.responders.take();
    plan.not_run = std::move(workshop_.not_run);
    return plan;
  }

 private:
  // The world's own nodes win: their labels and taints may be what is tried out.
  [[nodiscard]] Status check_nodes(const std::vector<world::Node>& nodes) {
    for (const auto& node : world_.nodes) {
      if (topology_.node(node.name) != nullptr) continue;
      return wrong(fmt::format("the world has a node \"{}\" that does not exist here; there are {}", node.name,
                               names_of(topology_)));
    }
    for (const auto& node : nodes) {
      if (world_.node(node.name) == nullptr) world_.nodes.push_back(node);
    }
    if (world_.service("conntruth/canary") == nullptr) return {};
    return wrong("the world has a Service conntruth/canary, which is this program's own: take it out");
  }

  [[nodiscard]] Status check_slice(const world::EndpointSlice& slice) const {
    for (const auto& endpoint : slice.endpoints) {
      const auto& address = endpoint.addresses.front();
      const auto about = fmt::format("service {}: endpoint {}", slice.service_key(), address.to_string());
      const auto* place = places_.find(address);
      if (place == nullptr) {
        return wrong(fmt::format("{} is no pod's or node's address here; there are {}", about,
                                 addresses_of(places_, address.family())));
      }
      if (endpoint.node_name.empty() || endpoint.node_name == place->agent) continue;
      if (topology_.node(endpoint.node_name) == nullptr) {
        return wrong(fmt::format("{} is on node \"{}\", which does not exist here; there are {}", about,
                                 endpoint.node_name, names_of(topology_)));
      }
      return wrong(fmt::format("{} is said to be on {}, but it is on {}", about, endpoint.node_name, place->agent));
    }
    return {};
  }

  void add_copy(const world::Service& service) {
    auto copy = copy_of(service, world_, places_);
    for (auto& probe : probes_of(copy, {!topology_.external_clients.empty(), false, true})) {
      step_.probes.push_back(std::move(probe));
    }
    built_.copies.push_back(std::move(copy));
  }

  // The world's endpoints may have the numbers that controls would take.
  void choose_ports() {
    std::set<std::uint16_t> used;
    for (const auto& slice : world_.slices) {
      for (const auto& port : slice.ports) used.insert(port.port);
    }
    const auto next_free = [&](std::uint16_t port) {
      while (!used.insert(port).second) ++port;
      return port;
    };
    workshop_.control_port = next_free(kControlPort);
    workshop_.closed_port = next_free(kClosedPort);
  }

  void reserve_addresses() {
    for (const auto& copy : built_.copies) {
      for (const auto& address : copy.cluster_ips) allocation_.reserve(address);
    }
  }

  [[nodiscard]] bool takes(const Draft& draft) const {
    const auto matching = [&](const std::string& pattern) {
      const auto name = draft.entry.service.substr(draft.entry.service.find('/') + 1);
      return glob_matches(pattern, draft.id()) || glob_matches(pattern, draft.entry.service) ||
             glob_matches(pattern, name);
    };
    const bool selected = options_.select.empty() || std::ranges::any_of(options_.select, matching);
    return selected && std::ranges::none_of(options_.skip, matching);
  }

  [[nodiscard]] Status fill(Stage& stage) {
    stage.world = world_;
    stage.world.generation = 1;
    StageBuilder builder(workshop_, stage);
    const auto canary = Canary::make(topology_, places_, allocation_);
    if (!canary) return std::unexpected(canary.error());
    if (auto status = canary->add(0, stage, workshop_, builder); !status) return status;
    canary->publish(0, stage, workshop_);
    step_.name = "given";
    const auto drafts = draft_step(scenario_, step_, built_, topology_, places_, allocation_, options_);
    if (!drafts) return std::unexpected(drafts.error());
    workshop_.not_run = drafts->not_run;
    add_responders();
    std::size_t taken = 0;
    for (const auto& draft : drafts->drafts) {
      if (!takes(draft)) continue;
      ++taken;
      if (auto status = builder.add(draft, world_); !status) return status;
    }
    return taken > 0 || options_.select.empty() ? Status() : nothing_selected();
  }

  void add_responders() {
    for (const auto& copy : built_.copies) {
      for (const auto& endpoint : copy.endpoints) {
        for (const auto& port : endpoint.ports) {
          if (port.port != 0) workshop_.responders.id(*endpoint.place, port.protocol, port.port);
        }
      }
    }
  }

  [[nodiscard]] Status nothing_selected() const {
    std::vector<std::string> keys;
    for (const auto& service : world_.services) keys.push_back(service.key());
    return wrong(fmt::format("nothing of the world is called \"{}\"; its Services are {}", options_.select.front(),
                             closest(options_.select.front(), keys)));
  }

  const Topology& topology_;
  world::World world_;
  const PlanOptions& options_;
  Places places_;
  Allocation allocation_;
  Workshop workshop_;
  catalogue::Scenario scenario_;
  catalogue::Step step_;
  ScenarioWorld built_;
};

}  // namespace

Result<Plan> make_world_plan(const Topology& topology, const std::vector<world::Node>& nodes, const world::World& world,
                             const PlanOptions& options) {
  if (topology.nodes.empty()) return fail(ErrorCode::kNotFound, "the topology has no nodes to probe from");
  return WorldPlanner(topology, world, options).run(nodes);
}

}  // namespace conntruth::plan
