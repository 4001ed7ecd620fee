#include "controller/app/options_json.hpp"

#include <nlohmann/json.hpp>

namespace conntruth::app {

namespace {

using Json = nlohmann::ordered_json;

Json write_flows(const plan::Flows& flows) { return {{"socket", flows.socket}, {"crafted", flows.crafted}}; }
plan::Flows read_flows(const Json& json) { return {json.at("socket"), json.at("crafted")}; }

std::chrono::milliseconds milliseconds(const Json& json) {
  return std::chrono::milliseconds(json.get<std::chrono::milliseconds::rep>());
}

template <typename T>
std::vector<int> numbers(const std::vector<T>& values) {
  std::vector<int> result;
  for (const auto value : values) result.push_back(static_cast<int>(value));
  return result;
}

template <typename T>
std::vector<T> enums(const Json& json) {
  std::vector<T> result;
  for (const auto& each : json) result.push_back(static_cast<T>(each.get<int>()));
  return result;
}

// The profiles themselves are inputs of their own.
Json write_profiles(const oracle::Profiles& profiles) {
  Json json = Json::object();
  for (const auto& [node, assigned] : profiles.nodes) {
    json[node] = {{"index", assigned.profile}};
    if (assigned.version) json[node]["version"] = assigned.version->to_string();
  }
  return json;
}

void read_profiles(const Json& json, oracle::Profiles& profiles) {
  for (const auto& [node, assigned] : json.items()) {
    auto& entry = profiles.nodes[node];
    assigned.at("index").get_to(entry.profile);
    if (assigned.contains("version")) entry.version = oracle::Version::parse(assigned.at("version").get<std::string>());
  }
}

Json write_reading(const plan::ReadingOptions& reading) {
  return {{"services", reading.services},
          {"namespaces", reading.namespaces},
          {"udp", reading.udp},
          {"probes", reading.probes},
          {"rate", reading.rate}};
}

plan::ReadingOptions read_reading(const Json& json) {
  plan::ReadingOptions reading;
  reading.existing = true;
  json.at("services").get_to(reading.services);
  json.at("namespaces").get_to(reading.namespaces);
  json.at("udp").get_to(reading.udp);
  json.at("probes").get_to(reading.probes);
  json.at("rate").get_to(reading.rate);
  return reading;
}

Json write_options(const plan::PlanOptions& options) {
  return {{"select", options.select},
          {"skip", options.skip},
          {"protocols", numbers(options.protocols)},
          {"families", numbers(options.families)},
          {"answered", write_flows(options.answered)},
          {"sticky", write_flows(options.sticky)},
          {"unanswered", write_flows(options.unanswered)},
          {"control", write_flows(options.control)},
          {"fixedFlow", options.fixed_flow},
          {"fixedIntervalMs", options.fixed_interval.count()},
          {"keptRequests", options.kept_requests},
          {"keptIntervalMs", options.kept_interval.count()},
          {"httpRequests", options.http_requests},
          {"rotations", options.rotations},
          {"rotationIntervalMs", options.rotation_interval.count()},
          {"timeoutMs", options.timeout.count()},
          {"followBoundMs", options.follow_bound.count()},
          {"followLimitMs", options.follow_limit.count()},
          {"oldFlowsBoundMs", options.old_flows_bound.count()},
          {"followIntervalUs", options.follow_interval.count()},
          {"capabilities", options.capabilities},
          {"fixedPortOffset", options.fixed_port_offset},
          {"nodesMayChange", options.nodes_may_change},
          {"icmpLimited", options.icmp_limited},
          {"profiles", write_profiles(options.profiles)}};
}

plan::PlanOptions read_options(const Json& json) {
  plan::PlanOptions options;
  json.at("select").get_to(options.select);
  json.at("skip").get_to(options.skip);
  options.protocols = enums<Protocol>(json.at("protocols"));
  options.families = enums<Family>(json.at("families"));
  options.answered = read_flows(json.at("answered"));
  options.sticky = read_flows(json.at("sticky"));
  options.unanswered = read_flows(json.at("unanswered"));
  options.control = read_flows(json.at("control"));
  json.at("fixedFlow").get_to(options.fixed_flow);
  options.fixed_interval = milliseconds(json.at("fixedIntervalMs"));
  json.at("keptRequests").get_to(options.kept_requests);
  options.kept_interval = milliseconds(json.at("keptIntervalMs"));
  options.http_requests = json.value("httpRequests", options.http_requests);  // older runs have none
  json.at("rotations").get_to(options.rotations);
  options.rotation_interval = milliseconds(json.at("rotationIntervalMs"));
  options.timeout = milliseconds(json.at("timeoutMs"));
  options.follow_bound = milliseconds(json.at("followBoundMs"));
  options.follow_limit = milliseconds(json.at("followLimitMs"));
  options.old_flows_bound = milliseconds(json.at("oldFlowsBoundMs"));
  options.follow_interval = std::chrono::microseconds(json.at("followIntervalUs").get<std::int64_t>());
  json.at("capabilities").get_to(options.capabilities);
  json.at("fixedPortOffset").get_to(options.fixed_port_offset);
  options.icmp_limited = json.value("icmpLimited", false);
  options.nodes_may_change = json.value("nodesMayChange", true);  // older runs have none
  if (json.contains("reading")) options.reading = read_reading(json.at("reading"));
  if (json.contains("profiles")) read_profiles(json.at("profiles"), options.profiles);
  return options;
}

}  // namespace

std::string settings_to_json(const RunSettings& settings) {
  Json facts = Json::array();
  for (const auto& [name, value] : settings.facts) facts.push_back({name, value});
  auto options = write_options(settings.options);
  if (settings.options.reading.existing) options["reading"] = write_reading(settings.options.reading);
  return Json{{"options", std::move(options)}, {"facts", facts}}.dump(1) + "\n";
}

Result<RunSettings> settings_from_json(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    RunSettings settings{read_options(json.at("options")), {}};
    for (const auto& fact : json.at("facts")) settings.facts.emplace_back(fact.at(0), fact.at(1));
    return settings;
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kInvalidInput, std::string("settings: ") + error.what());
  }
}

}  // namespace conntruth::app
