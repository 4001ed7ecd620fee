#include "controller/worlds/world_file.hpp"

#include <nlohmann/json.hpp>

#include "common/codec/json_as_yaml.hpp"
#include "common/world/world_reader.hpp"

namespace conntruth::worlds {
namespace {

using Json = nlohmann::ordered_json;

Json key_json(const plan::FlowKey& key) {
  return {key.vantage,
          static_cast<int>(key.kind),
          key.service,
          key.port,
          key.node,
          static_cast<int>(key.protocol),
          static_cast<int>(key.family)};
}

plan::FlowKey read_key(const Json& json) {
  return {json.at(0),
          static_cast<EntryKind>(json.at(1).get<int>()),
          json.at(2),
          json.at(3),
          json.at(4),
          static_cast<Protocol>(json.at(5).get<int>()),
          static_cast<Family>(json.at(6).get<int>())};
}

}  // namespace

std::string to_yaml(const world::World& world, const std::vector<std::string>& comments) {
  std::string text;
  for (const auto& line : comments) text += "# " + line + "\n";
  const auto list = Json::parse(world::write_world(world));
  for (const auto& object : list.at("items")) {
    text += "---\n" + codec::json_as_yaml(object.dump());
  }
  return text;
}

std::string write_worlds(const WorldSet& set) {
  Json json{{"perStage", set.shape.per_stage}, {"flows", set.shape.flows}};
  json["worlds"] = Json::array();
  for (const auto& named : set.worlds) {
    Json one{{"id", named.id}, {"seed", std::to_string(named.seed)}, {"world", world::write_world(named.world)}};
    if (named.only) one["only"] = key_json(*named.only);
    json["worlds"].push_back(std::move(one));
  }
  return json.dump(1) + "\n";
}

Result<WorldSet> read_worlds(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    WorldSet set{{}, {json.at("perStage"), json.at("flows")}};
    for (const auto& one : json.at("worlds")) {
      plan::NamedWorld named;
      named.id = one.at("id");
      named.seed = std::stoull(one.at("seed").get<std::string>());
      if (one.contains("only")) named.only = read_key(one.at("only"));
      auto world = world::read_world(one.at("world").get_ref<const std::string&>(), named.id);
      if (!world) return std::unexpected(world.error());
      named.world = std::move(*world);
      set.worlds.push_back(std::move(named));
    }
    return set;
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidInput, std::string("worlds: ") + error.what());
  }
}

}  // namespace conntruth::worlds
