#include "controller/app/workloads_json.hpp"

#include <nlohmann/json.hpp>

#include "common/world/world_reader.hpp"

namespace conntruth::app {
namespace {

using Json = nlohmann::ordered_json;

Json world_json(const world::World& world) { return Json::parse(world::write_world(world)); }

world::World read_world(const Json& json) {
  auto world = world::read_world(json.dump(), "a stage of the run");
  if (!world) throw std::invalid_argument(world.error().message);
  return std::move(*world);
}

Json place_json(const plan::WorkloadPlace& place) {
  Json json = {{"name", place.name},
               {"node", place.node},
               {"addresses", Json::array()},
               {"port", place.port},
               {"tcpResponder", place.tcp_responder},
               {"udpResponder", place.udp_responder}};
  for (const auto& address : place.addresses) json["addresses"].push_back(address.to_string());
  return json;
}

plan::WorkloadPlace read_place(const Json& json) {
  plan::WorkloadPlace place{json.at("name"), json.at("node"),         {},
                            json.at("port"), json.at("tcpResponder"), json.at("udpResponder")};
  for (const auto& text : json.at("addresses")) {
    const auto address = IpAddress::parse(text.get<std::string>());
    if (!address) throw std::invalid_argument(address.error().message);
    place.addresses.push_back(*address);
  }
  return place;
}

Json rollout_json(const plan::WorkloadRollout& rollout) {
  Json json = {{"service", rollout.service}, {"rounds", rollout.rounds}, {"changes", Json::array()}};
  for (const auto& change : rollout.changes) {
    world::World world;
    world.slices = change.slices;
    json["changes"].push_back({{"atNs", change.at_ns}, {"slices", world_json(world)}});
  }
  return json;
}

plan::WorkloadRollout read_rollout(const Json& json) {
  plan::WorkloadRollout rollout{json.at("service"), json.at("rounds"), {}};
  for (const auto& change : json.at("changes"))
    rollout.changes.push_back({change.at("atNs"), read_world(change.at("slices")).slices});
  return rollout;
}

template <typename Read>
auto reading(std::string_view text, Read read) -> Result<decltype(read(Json()))> {
  try {
    return read(Json::parse(text));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidInput, std::string("workloads of the run: ") + error.what());
  }
}

}  // namespace

std::string outlines_to_json(const std::vector<catalogue::Scenario>& scenarios) {
  Json json = Json::array();
  for (const auto& scenario : scenarios) {
    Json steps = Json::array();
    for (const auto& step : scenario.steps) steps.push_back(step.name);
    json.push_back({{"id", scenario.id}, {"title", scenario.title}, {"covers", scenario.covers}, {"steps", steps}});
  }
  return json.dump(1) + "\n";
}

Result<std::vector<catalogue::Scenario>> outlines_from_json(std::string_view text) {
  return reading(text, [](const Json& json) {
    std::vector<catalogue::Scenario> scenarios;
    for (const auto& one : json) {
      auto& scenario = scenarios.emplace_back();
      one.at("id").get_to(scenario.id);
      one.at("title").get_to(scenario.title);
      one.at("covers").get_to(scenario.covers);
      for (const auto& name : one.at("steps")) scenario.steps.emplace_back().name = name;
    }
    return scenarios;
  });
}

std::string workload_stage_to_json(const plan::WorkloadStage& stage) {
  Json json = {{"pods", Json::array()}, {"probes", Json::array()}};
  for (const auto& pod : stage.pods) json["pods"].push_back(place_json(pod));
  for (const auto& probes : stage.probes) {
    json["probes"].push_back(
        {{"scenario", probes.scenario}, {"step", probes.step}, {"services", probes.services}, {"kept", probes.kept}});
  }
  if (stage.rollout) json["rollout"] = rollout_json(*stage.rollout);
  json["world"] = world_json(stage.world);
  return json.dump(1) + "\n";
}

Result<plan::WorkloadStage> workload_stage_from_json(std::string_view text) {
  return reading(text, [](const Json& json) {
    plan::WorkloadStage stage;
    stage.world = read_world(json.at("world"));
    for (const auto& pod : json.at("pods")) stage.pods.push_back(read_place(pod));
    for (const auto& one : json.at("probes"))
      stage.probes.push_back({one.at("scenario"), one.at("step"), one.at("services"), one.at("kept")});
    if (json.contains("rollout")) stage.rollout = read_rollout(json.at("rollout"));
    return stage;
  });
}

}  // namespace conntruth::app
