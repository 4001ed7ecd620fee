#include "controller/app/run_inputs.hpp"

#include <fmt/core.h>

#include "common/codec/topology_json.hpp"
#include "common/file.hpp"
#include "common/world/world_reader.hpp"
#include "controller/app/options_json.hpp"
#include "controller/app/workloads_json.hpp"
#include "controller/catalogue/catalogue.hpp"
#include "controller/profile/profile_file.hpp"

namespace conntruth::app {

namespace {

constexpr std::string_view kTopology = "topology.json";
constexpr std::string_view kNodes = "nodes.json";
constexpr std::string_view kSettings = "settings.json";
constexpr std::string_view kWorld = "world.txt";
constexpr std::string_view kScenarioPrefix = "scenario.";
constexpr std::string_view kWorlds = "worlds.json";
constexpr std::string_view kProfilePrefix = "profile.";
constexpr std::string_view kWorkloads = "workloads.json";
constexpr std::string_view kWorkloadStagePrefix = "workload-stage.";

Status read_profile(const std::string& name, std::string text, RunInputs& inputs) {
  auto profile = profile::read_profile(text, name);
  if (!profile) return std::unexpected(profile.error());
  inputs.options.profiles.profiles.push_back(std::move(*profile));
  inputs.profile_texts.push_back(std::move(text));
  return {};
}

// Stages are numbered, so that they are read in their order.
Status read_workloads(const std::string& name, const std::string& text, plan::WorkloadScript& into) {
  if (name == kWorkloads) {
    auto scenarios = outlines_from_json(text);
    if (!scenarios) return std::unexpected(scenarios.error());
    into.present = true;
    into.scenarios = std::move(*scenarios);
    return {};
  }
  auto stage = workload_stage_from_json(text);
  if (!stage) return std::unexpected(stage.error().in(name));
  into.stages.push_back(std::move(*stage));
  return {};
}

Status read_subject(const store::RunReader& reader, RunInputs& inputs) {
  for (const auto& name : reader.inputs()) {
    auto text = reader.input(name);
    if (!text) return std::unexpected(text.error());
    if (name == kWorld) inputs.world_text = std::move(*text);
    if (name == kWorlds) {
      auto worlds = worlds::read_worlds(*text);
      if (!worlds) return std::unexpected(worlds.error());
      inputs.worlds = std::move(*worlds);
      continue;
    }
    if (name == kWorkloads || name.starts_with(kWorkloadStagePrefix)) {
      if (auto status = read_workloads(name, *text, inputs.workloads); !status) return status;
      continue;
    }
    if (name.starts_with(kProfilePrefix)) {
      if (auto status = read_profile(name, std::move(*text), inputs); !status) return status;
    }
    if (!name.starts_with(kScenarioPrefix)) continue;
    auto scenario = catalogue::read_scenario(*text, name.substr(kScenarioPrefix.size()));
    if (!scenario) return std::unexpected(scenario.error());
    inputs.scenarios.push_back(std::move(*scenario));
  }
  inputs.world_origin = kWorld;
  return {};
}

}  // namespace

Status add_subject(RunInputs& inputs, const std::string& catalogue, const std::string& world_file) {
  if (!world_file.empty()) {
    auto text = read_file(world_file);
    if (!text) return std::unexpected(text.error());
    inputs.world_text = std::move(*text);
    inputs.world_origin = world_file;
    return {};
  }
  auto scenarios = catalogue::load_catalogue(catalogue.empty() ? catalogue::default_directory() : catalogue);
  if (!scenarios) return std::unexpected(scenarios.error());
  inputs.scenarios = std::move(*scenarios);
  return {};
}

Result<plan::Plan> make_plan(const RunInputs& inputs) {
  if (inputs.workloads.present)
    return plan::make_workload_plan(inputs.topology, inputs.nodes, inputs.workloads, inputs.options);
  if (!inputs.worlds.worlds.empty()) {
    return plan::make_worlds_plan(inputs.topology, inputs.nodes, inputs.worlds.worlds, inputs.worlds.shape,
                                  inputs.options);
  }
  if (inputs.world_text.empty()) {
    return plan::make_plan(inputs.topology, inputs.nodes, inputs.scenarios, inputs.options);
  }
  const auto world = world::read_world(inputs.world_text, inputs.world_origin);
  if (!world) return std::unexpected(world.error());
  if (inputs.options.reading.existing) return plan::make_reading_plan(inputs.topology, *world, inputs.options);
  return plan::make_world_plan(inputs.topology, inputs.nodes, *world, inputs.options);
}

Status write_inputs(store::RunWriter& writer, const RunInputs& inputs) {
  world::World nodes;
  nodes.nodes = inputs.nodes;
  std::vector<std::pair<std::string, std::string>> files = {
      {std::string(kTopology), codec::topology_to_json(inputs.topology)},
      {std::string(kNodes), world::write_world(nodes)},
      {std::string(kSettings), settings_to_json({inputs.options, inputs.facts})}};
  if (!inputs.world_text.empty()) files.emplace_back(kWorld, inputs.world_text);
  if (inputs.workloads.present) files.emplace_back(kWorkloads, outlines_to_json(inputs.workloads.scenarios));
  if (!inputs.worlds.worlds.empty()) files.emplace_back(kWorlds, worlds::write_worlds(inputs.worlds));
  for (const auto& scenario : inputs.scenarios) {
    files.emplace_back(std::string(kScenarioPrefix) + scenario.id + ".yaml", scenario.source);
  }
  // Numbered, so that they are read in the order in which the nodes' indices count.
  for (std::size_t index = 0; index < inputs.profile_texts.size(); ++index) {
    const auto& profile = inputs.options.profiles.profiles.at(index);
    files.emplace_back(fmt::format("{}{:02}.{}.yaml", kProfilePrefix, index, profile.name),
                       inputs.profile_texts[index]);
  }
  for (const auto& [name, text] : files) {
    if (auto status = writer.write_input(name, text); !status) return status;
  }
  return {};
}

Status write_stage(store::RunWriter& writer, const RunInputs& inputs) {
  const auto number = inputs.workloads.stages.size();
  return writer.write_input(fmt::format("{}{:02}.json", kWorkloadStagePrefix, number),
                            workload_stage_to_json(inputs.workloads.stages.back()));
}

Result<RunInputs> read_inputs(const store::RunReader& reader) {
  RunInputs inputs;
  auto topology_text = reader.input(kTopology);
  if (!topology_text) return std::unexpected(topology_text.error());
  auto nodes_text = reader.input(kNodes);
  if (!nodes_text) return std::unexpected(nodes_text.error());
  auto settings_text = reader.input(kSettings);
  if (!settings_text) return std::unexpected(settings_text.error());

  auto topology = codec::topology_from_json(*topology_text);
  if (!topology) return std::unexpected(topology.error());
  auto nodes = world::read_world(*nodes_text, kNodes);
  if (!nodes) return std::unexpected(nodes.error());
  auto settings = settings_from_json(*settings_text);
  if (!settings) return std::unexpected(settings.error());
  inputs.topology = std::move(*topology);
  inputs.nodes = std::move(nodes->nodes);
  inputs.options = std::move(settings->options);
  inputs.facts = std::move(settings->facts);
  if (auto status = read_subject(reader, inputs); !status) return std::unexpected(status.error());
  return inputs;
}

}  // namespace conntruth::app
