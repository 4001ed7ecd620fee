#include "controller/catalogue/catalogue.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "common/data_folder.hpp"
#include "common/file.hpp"
#include "common/world/document.hpp"
#include "common/world/fields.hpp"
#include "controller/catalogue/scenario_parts.hpp"

namespace conntruth::catalogue {
namespace {

using world::Field;
using Keys = std::initializer_list<std::string_view>;

constexpr std::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
constexpr std::size_t kMaxIdLength = 28;  // with Service, node and pod names it makes a DNS label

void only(const Field& field, Keys keys) { field.only(std::span(keys.begin(), keys.size())); }

std::string read_id(const Field& field, std::size_t most) {
  auto id = field.required_text();
  if (id.find_first_not_of(kIdLetters) != std::string::npos || id.size() > most) {
    field.wrong(fmt::format("\"{}\" must be at most {} of the letters a-z, 0-9 and -", id, most));
  }
  return id;
}

void merge_services(const Field& map, std::vector<ServiceSpec>& services, bool may_add) {
  for (const auto& member : map.members()) {
    if (member.key() == "*") {
      for (auto& service : services) merge_service(member, service);
      continue;
    }
    auto found = std::ranges::find(services, member.key(), &ServiceSpec::name);
    if (found == services.end()) {
      if (!may_add) member.wrong("is a service that the scenario does not have; write it under `services` first");
      found = services.emplace(services.end());
      found->name = member.key();
      found->service.ports = {{"tcp", Protocol::kTcp, 80, std::uint16_t{0}, 0},
                              {"udp", Protocol::kUdp, 80, std::uint16_t{0}, 0}};
    }
    merge_service(member, *found);
  }
}

std::vector<ProbeSpec> read_probes(const Field& list) {
  std::vector<ProbeSpec> probes;
  for (const auto& item : list.items()) probes.push_back(read_probe(item));
  return probes;
}

std::vector<NodeSpec> read_nodes(const Field& list) {
  std::vector<NodeSpec> nodes;
  for (const auto& item : list.items()) nodes.push_back(read_node(item));
  return nodes;
}

// Every step carries the whole state, so that nobody else needs to know how files say changes.
void read_steps(const Field& list, const Step& start, Scenario& scenario) {
  auto current = start;
  for (const auto& item : list.items()) {
    only(item, {"name", "covers", "pause_ms", "nodes", "services", "probes"});
    current.name = read_id(item["name"], 40);
    current.covers = item["covers"].texts();
    current.pause = std::chrono::milliseconds(item["pause_ms"].number(0, 60000).value_or(0));
    if (item["nodes"].present()) current.nodes = read_nodes(item["nodes"]);
    merge_services(item["services"], current.services, false);
    if (item["probes"].present()) current.probes = read_probes(item["probes"]);
    if (std::ranges::find(scenario.steps, current.name, &Step::name) != scenario.steps.end()) {
      item["name"].wrong(fmt::format("a second step named \"{}\"", current.name));
    }
    scenario.steps.push_back(current);
    if (item["probes"].present()) continue;
    if (current.probes.empty()) item.wrong("has no probes, and the scenario has none either");
  }
  if (scenario.steps.empty()) scenario.steps.push_back(start);
}

void check_probes(const Field& root, const Scenario& scenario) {
  const auto check = [&](const Field& list) {
    for (const auto& item : list.items()) check_probe(item, read_probe(item), scenario);
  };
  check(root["probes"]);
  for (const auto& step : root["steps"].items()) check(step["probes"]);
}

void read_body(const Field& root, Scenario& scenario) {
  only(root, {"id", "title", "covers", "needs", "services", "probes", "steps"});
  scenario.id = read_id(root["id"], kMaxIdLength);
  for (const auto* taken : {"follow", "world", "control"}) {
    if (scenario.id == taken)
      root["id"].wrong(fmt::format("\"{}\" is a name that the plan itself uses; choose another", taken));
  }
  scenario.title = root["title"].required_text();
  scenario.covers = root["covers"].texts();
  const auto needs = root["needs"];
  only(needs, {"nodes", "pods", "zones"});
  scenario.needs_nodes = static_cast<unsigned>(needs["nodes"].number(1, 50).value_or(1));
  scenario.needs_pods = static_cast<unsigned>(needs["pods"].number(1, 20).value_or(1));
  scenario.needs_zones = static_cast<unsigned>(needs["zones"].number(0, 50).value_or(0));
  Step start;
  start.name = "steady";
  merge_services(root["services"], start.services, true);
  start.probes = read_probes(root["probes"]);
  read_steps(root["steps"], start, scenario);
  if (scenario.steps.front().probes.empty()) root["probes"].wrong("is required: who probes what");
  check_probes(root, scenario);
}

}  // namespace

std::vector<std::string> all_covers(const Scenario& scenario) {
  std::set<std::string> all(scenario.covers.begin(), scenario.covers.end());
  for (const auto& step : scenario.steps) {
    all.insert(step.covers.begin(), step.covers.end());
    for (const auto& probe : step.probes) all.insert(probe.covers.begin(), probe.covers.end());
  }
  return {all.begin(), all.end()};
}

std::string default_directory() { return data_folder("catalogue", CONNTRUTH_CATALOGUE_DIR); }

Result<Scenario> read_scenario(std::string_view text, std::string_view origin) {
  const auto documents = world::parse_documents(text, origin);
  if (!documents) return std::unexpected(documents.error());
  world::Mistakes mistakes(origin);
  Scenario scenario;
  scenario.origin = origin;
  scenario.source = text;
  if (documents->size() != 1) {
    mistakes.add_at(1, {}, fmt::format("has {} documents, a scenario file has one", documents->size()));
  } else {
    const auto& root = documents->front();
    const auto* id = root.find("id");
    mistakes.enter(id == nullptr ? std::string() : "scenario " + id->text, root);
    read_body(Field(root, mistakes), scenario);
  }
  if (mistakes.first()) return std::unexpected(*mistakes.first());
  return scenario;
}

Result<std::vector<Scenario>> load_catalogue(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
  }
  if (paths.empty()) {
    const auto why = error ? error.message() : "it holds no *.yaml file";
    return fail(ErrorCode::kNotFound, fmt::format("no scenarios in {}: {}", directory, why));
  }
  std::ranges::sort(paths);
  std::vector<Scenario> scenarios;
  for (const auto& path : paths) {
    const auto text = read_file(path);
    if (!text) return std::unexpected(text.error());
    auto scenario = read_scenario(*text, path);
    if (!scenario) return std::unexpected(scenario.error());
    if (std::filesystem::path(path).stem() != scenario->id) {
      return fail(ErrorCode::kInvalidInput, fmt::format("{}:1: scenario {} must stand in a file named {}.yaml", path,
                                                        scenario->id, scenario->id));
    }
    scenarios.push_back(std::move(*scenario));
  }
  std::ranges::sort(scenarios, {}, &Scenario::id);
  return scenarios;
}

}  // namespace conntruth::catalogue
