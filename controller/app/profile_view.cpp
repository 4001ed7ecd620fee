// `conntruth profile list|show`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "controller/app/view_commands.hpp"
#include "controller/profile/profile_file.hpp"

namespace conntruth::app {

namespace {

using Json = nlohmann::ordered_json;

Json fact_json(const oracle::Fact& fact) {
  return {{"id", fact.id},
          {"text", fact.text},
          {"versions", fact.versions.to_string()},
          {"rules", fact.when.rules},
          {"source", fact.sources}};
}

Json profile_json(const profile::ProfileFile& file) {
  Json json{{"profile", file.profile.name}, {"title", file.profile.title}, {"dataplane", file.profile.dataplane}};
  json["facts"] = Json::array();
  for (const auto& fact : file.profile.facts) json["facts"].push_back(fact_json(fact));
  json["file"] = file.origin;
  return json;
}

}  // namespace

Status list_profiles(OutputFormat format) {
  const auto files = profile::load_profiles(profile::default_directory());
  if (!files) return std::unexpected(files.error());
  if (is_document(format)) {
    auto json = Json::array();
    for (const auto& file : *files) json.push_back(profile_json(file));
    print_document(json.dump(2), format);
    return {};
  }
  fmt::print("{:<24} {:<22} {:>5}  {}\n", "PROFILE", "DATAPLANE", "FACTS", "TITLE");
  for (const auto& [profile, origin, text] : *files) {
    fmt::print("{:<24} {:<22} {:>5}  {}\n", profile.name, profile.dataplane, profile.facts.size(), profile.title);
  }
  return {};
}

Status show_profile(const std::string& name_or_path, OutputFormat format) {
  const auto file = profile::find_profile(name_or_path);
  if (!file) return std::unexpected(file.error());
  if (is_document(format)) {
    print_document(profile_json(*file).dump(2), format);
    return {};
  }
  const auto& profile = file->profile;
  fmt::print("{}: {}\n{}\n", profile.name, profile.title, file->origin);
  for (const auto& fact : profile.facts) {
    fmt::print("\n{}\n  {}\n", fact.id, fact.text);
    fmt::print("  versions   {}\n  overrides  {}\n", fact.versions.to_string(), fmt::join(fact.when.rules, ", "));
    for (const auto& source : fact.sources) fmt::print("  source     {}\n", source);
  }
  return {};
}

}  // namespace conntruth::app
