#include "controller/app/run_request.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "common/file.hpp"

namespace conntruth::app {
namespace {

using Json = nlohmann::json;

template <typename T>
Json words(const std::vector<T>& values) {
  Json result = Json::array();
  for (const auto value : values) result.push_back(to_string(value));
  return result;
}

std::vector<Protocol> protocols(const Json& json) {
  std::vector<Protocol> result;
  for (const auto& each : json) {
    const auto protocol = parse_protocol(each.get<std::string>());
    if (!protocol) throw std::invalid_argument(protocol.error().message);
    result.push_back(*protocol);
  }
  return result;
}

std::vector<Family> families(const Json& json) {
  std::vector<Family> result;
  for (const auto& each : json) {
    const auto text = each.get<std::string>();
    if (text != "ipv4" && text != "ipv6") throw std::invalid_argument("\"" + text + "\" is neither ipv4 nor ipv6");
    result.push_back(text == "ipv4" ? Family::kIpv4 : Family::kIpv6);
  }
  return result;
}

// Files are the asking side's; here is a name of a profile that comes with the program.
std::string profile_name(const Json& json) {
  auto name = json.get<std::string>();
  if (name.contains('/') || name.contains(".yaml"))
    throw std::invalid_argument("a controller knows the profiles that come with it, by name, and no files");
  return name;
}

constexpr std::uint32_t kMostProbes = 100'000;  // of a cell, and per second and node

// What is asked for of a run that reads; its presence makes a run one.
plan::ReadingOptions reading(const Json& json) {
  plan::ReadingOptions options;
  options.existing = true;
  for (const auto& [name, value] : json.items()) {
    if (name == "services") {
      value.get_to(options.services);
    } else if (name == "namespaces") {
      value.get_to(options.namespaces);
    } else if (name == "udp") {
      value.get_to(options.udp);
    } else if (name == "probes") {
      value.get_to(options.probes);
    } else if (name == "rate") {
      value.get_to(options.rate);
    } else {
      throw std::invalid_argument(name + " is not known; there are services, namespaces, udp, probes, rate");
    }
  }
  if (options.probes > kMostProbes || options.rate == 0 || options.rate > kMostProbes)
    throw std::invalid_argument("probes and rate are at most 100000, and rate at least 1");
  return options;
}

Json words_of(const plan::ReadingOptions& options) {
  return {{"services", options.services},
          {"namespaces", options.namespaces},
          {"udp", options.udp},
          {"probes", options.probes},
          {"rate", options.rate}};
}

void read_field(const std::string& name, const Json& value, RunRequest& request) {
  if (name == "select") {
    value.get_to(request.options.select);
  } else if (name == "skip") {
    value.get_to(request.options.skip);
  } else if (name == "protocols") {
    request.options.protocols = protocols(value);
  } else if (name == "families") {
    request.options.families = families(value);
  } else if (name == "profile") {
    request.profile = profile_name(value);
  } else if (name == "world") {
    value.get_to(request.world_text);
  } else if (name == "workloads") {
    value.get_to(request.workloads);
  } else if (name == "worldName") {
    value.get_to(request.world_file);
  } else if (name == "existing") {
    request.options.reading = reading(value);
  } else {
    throw std::invalid_argument(
        "is not known; there are select, skip, protocols, families, profile, world, worldName, workloads, existing");
  }
}

}  // namespace

Result<std::string> request_to_json(const RunRequest& request) {
  const auto& options = request.options;
  Json json = {{"select", options.select},
               {"skip", options.skip},
               {"protocols", words(options.protocols)},
               {"families", words(options.families)},
               {"profile", request.profile}};
  if (request.workloads) json["workloads"] = true;
  if (options.reading.existing) json["existing"] = words_of(options.reading);
  if (!request.world_file.empty()) {
    auto text = read_file(request.world_file);
    if (!text) return std::unexpected(text.error());
    json["world"] = std::move(*text);
    json["worldName"] = request.world_file;
  }
  try {
    return json.dump();
  } catch (const Json::exception&) {
    return fail(ErrorCode::kInvalidInput, request.world_file + ": is no UTF-8 text");
  }
}

Result<RunRequest> request_from_json(const std::string& text) {
  const auto json = Json::parse(text.empty() ? "{}" : text, nullptr, false);
  if (!json.is_object()) return fail(ErrorCode::kInvalidInput, "the options of a run are no JSON object");
  RunRequest request;
  request.quiet = true;
  for (const auto& [name, value] : json.items()) {
    try {
      read_field(name, value, request);
    } catch (const std::exception& error) {
      return fail(ErrorCode::kInvalidInput, fmt::format("options of the run: field {}: {}", name, error.what()));
    }
  }
  if (request.workloads && !request.world_text.empty())
    return fail(ErrorCode::kInvalidInput, "options of the run: field workloads: a world cannot be given with it");
  if (!request.world_text.empty() && request.world_file.empty()) request.world_file = "world";
  return request;
}

}  // namespace conntruth::app
