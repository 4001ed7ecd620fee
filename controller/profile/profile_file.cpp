#include "controller/profile/profile_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>

#include "common/data_folder.hpp"
#include "common/file.hpp"
#include "common/world/document.hpp"
#include "common/world/fields.hpp"
#include "controller/oracle/rules.hpp"

namespace conntruth::profile {
namespace {

using oracle::Fact;
using oracle::FactCondition;
using oracle::FactEffect;
using oracle::Profile;
using world::Field;
using Keys = std::initializer_list<std::string_view>;

constexpr std::string_view kIdLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
constexpr std::size_t kMaxId = 60;

// Words of the format and what they stand for, in the same order.
constexpr std::array<std::string_view, 3> kClientWords{"pod", "node", "external"};
constexpr std::array kClients{VantageKind::kPod, VantageKind::kNode, VantageKind::kExternal};
constexpr std::array<std::string_view, 10> kEntryWords{
    "clusterIP",  "nodePort",    "externalIP",          "loadBalancer", "podIP",
    "unusedPort", "unallocated", "healthCheckNodePort", "proxyHealthz", "proxyLivez"};
constexpr std::array kEntries{
    EntryKind::kClusterIp,    EntryKind::kNodePort,   EntryKind::kExternalIp,  EntryKind::kLoadBalancer,
    EntryKind::kPodIp,        EntryKind::kUnusedPort, EntryKind::kUnallocated, EntryKind::kHealthCheckNodePort,
    EntryKind::kProxyHealthz, EntryKind::kProxyLivez};
constexpr std::array<std::string_view, 3> kProtocolWords{"tcp", "udp", "sctp"};
constexpr std::array kProtocols{Protocol::kTcp, Protocol::kUdp, Protocol::kSctp};
constexpr std::array<std::string_view, 2> kFamilyWords{"ipv4", "ipv6"};
constexpr std::array kFamilies{Family::kIpv4, Family::kIpv6};
constexpr std::array<std::string_view, 2> kAgeWords{"new", "existing"};
constexpr std::array<std::string_view, 4> kSourceWords{"any", "client", "node", "client-or-node"};
constexpr std::array kSources{SourceRule::kAny, SourceRule::kClient, SourceRule::kNode, SourceRule::kClientOrNode};
constexpr std::array<std::string_view, 3> kOutcomeWords{"replied", "refused", "timed-out"};

void only(const Field& field, Keys keys) { field.only(std::span(keys.begin(), keys.size())); }

std::string read_id(const Field& field) {
  auto id = field.required_text();
  if (id.find_first_not_of(kIdLetters) != std::string::npos || id.size() > kMaxId) {
    field.wrong(fmt::format("\"{}\" must be at most {} of the letters a-z, 0-9 and -", id, kMaxId));
  }
  return id;
}

template <typename T, std::size_t Count>
std::vector<T> members(const Field& list, const std::array<std::string_view, Count>& words,
                       const std::array<T, Count>& values) {
  std::vector<T> result;
  for (const auto& item : list.items()) {
    if (const auto index = item.one_of(words)) result.push_back(values[*index]);
  }
  return result;
}

std::optional<oracle::Version> read_version(const Field& field) {
  if (!field.present()) return std::nullopt;
  auto version = oracle::Version::parse(field.word());
  if (!version) field.wrong(fmt::format("\"{}\" is no version such as 1.36 or 1.36.3", field.word()));
  return version;
}

void check_rule(const Field& field, const std::string& id) {
  if (std::ranges::find(oracle::rule_definitions(), id, &oracle::RuleDefinition::id) !=
      oracle::rule_definitions().end()) {
    return;
  }
  field.wrong(fmt::format("\"{}\" is no rule of the specification; docs/semantics.md lists them", id));
}

std::vector<std::string> read_rules(const Field& list) {
  std::vector<std::string> rules;
  for (const auto& item : list.items()) {
    auto text = item.required_text();
    for (std::size_t from = 0; from <= text.size();) {
      const auto end = std::min(text.find('|', from), text.size());
      check_rule(item, text.substr(from, end - from));
      from = end + 1;
    }
    rules.push_back(std::move(text));
  }
  return rules;
}

FactCondition read_condition(const Field& when) {
  only(when, {"rules", "clients", "entries", "protocols", "families", "flow"});
  FactCondition condition;
  if (!when.present()) when.wrong("is required: for which flows the fact holds");
  condition.rules = read_rules(when["rules"]);
  if (condition.rules.empty()) when["rules"].wrong("is required: rules of docs/semantics.md that the fact overrides");
  condition.clients = members(when["clients"], kClientWords, kClients);
  condition.entries = members(when["entries"], kEntryWords, kEntries);
  condition.protocols = members(when["protocols"], kProtocolWords, kProtocols);
  condition.families = members(when["families"], kFamilyWords, kFamilies);
  if (const auto age = when["flow"].one_of(kAgeWords)) {
    condition.age = *age == 0 ? oracle::FlowAge::kNew : oracle::FlowAge::kExisting;
  }
  return condition;
}

std::optional<OutcomeSet> read_outcomes(const Field& list) {
  if (!list.present()) return std::nullopt;
  OutcomeSet outcomes;
  for (const auto& item : list.items()) {
    const auto index = item.one_of(kOutcomeWords);
    if (index == 0U) outcomes.replied = true;
    if (index == 1U) outcomes.refused = true;
    if (index == 2U) outcomes.timed_out = true;
  }
  if (outcomes == OutcomeSet{}) list.wrong("is empty; write replied, refused or timed-out");
  return outcomes;
}

FactEffect read_effect(const Field& then) {
  only(then, {"endpoints", "own_answers", "own_endpoint_elsewhere", "ignores_services_labelled",
              "ignores_slices_labelled", "not_serving_endpoints", "flow", "outcomes", "source", "recorded"});
  FactEffect effect;
  constexpr std::array<std::string_view, 1> kEndpoints{"cluster-without-masquerade"};
  constexpr std::array<std::string_view, 1> kFlow{"stays"};
  effect.cluster_endpoints = then["endpoints"].one_of(kEndpoints).has_value();
  effect.masquerades_own = then["own_answers"].boolean().value_or(false);
  constexpr std::array<std::string_view, 1> kLost{"lost"};
  effect.loses_own_elsewhere = then["own_endpoint_elsewhere"].one_of(kLost).has_value();
  effect.ignored_service_label = then["ignores_services_labelled"].text();
  effect.ignored_slice_label = then["ignores_slices_labelled"].text();
  constexpr std::array<std::string_view, 1> kRecorded{"recorded"};
  effect.records_not_serving = then["not_serving_endpoints"].one_of(kRecorded).has_value();
  effect.flow_stays = then["flow"].one_of(kFlow).has_value();
  effect.outcomes = read_outcomes(then["outcomes"]);
  if (const auto index = then["source"].one_of(kSourceWords)) effect.source = kSources[*index];
  effect.recorded = then["recorded"].boolean().value_or(false);
  if (effect.masquerades_own && !effect.cluster_endpoints) {
    then["own_answers"].wrong("belongs to `endpoints: cluster-without-masquerade`");
  }
  if (effect == FactEffect{}) then.wrong("is empty; write what happens instead of the specified");
  return effect;
}

Fact read_fact(const Field& item) {
  only(item, {"id", "text", "source", "versions", "when", "then"});
  Fact fact;
  fact.id = read_id(item["id"]);
  fact.text = item["text"].required_text();
  fact.sources = item["source"].texts();
  if (fact.sources.empty()) item["source"].wrong("is required: a list of KEP, documentation, line of code or finding");
  const auto versions = item["versions"];
  only(versions, {"from", "before"});
  fact.versions = {read_version(versions["from"]), read_version(versions["before"])};
  if (fact.versions.from && fact.versions.before && *fact.versions.before <= *fact.versions.from) {
    versions["before"].wrong("must be later than `from`");
  }
  fact.when = read_condition(item["when"]);
  fact.then = read_effect(item["then"]);
  return fact;
}

Profile read_body(const Field& root) {
  only(root, {"profile", "title", "dataplane", "facts"});
  Profile profile;
  profile.name = read_id(root["profile"]);
  for (const auto* taken : {"auto", "none"}) {
    if (profile.name == taken)
      root["profile"].wrong(fmt::format("\"{}\" is a word of --profile; choose another", taken));
  }
  profile.title = root["title"].required_text();
  profile.dataplane = root["dataplane"].text();
  for (const auto& item : root["facts"].items()) {
    profile.facts.push_back(read_fact(item));
    const auto& id = profile.facts.back().id;
    if (std::ranges::count(profile.facts, id, &Fact::id) > 1) item["id"].wrong("a second fact named \"" + id + "\"");
  }
  return profile;
}

Result<ProfileFile> load(const std::string& path) {
  auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  auto profile = read_profile(*text, path);
  if (!profile) return std::unexpected(profile.error());
  return ProfileFile{std::move(*profile), path, std::move(*text)};
}

}  // namespace

Result<Profile> read_profile(std::string_view text, std::string_view origin) {
  const auto documents = world::parse_documents(text, origin);
  if (!documents) return std::unexpected(documents.error());
  world::Mistakes mistakes(origin);
  Profile profile;
  if (documents->size() != 1) {
    mistakes.add_at(1, {}, fmt::format("has {} documents, a profile file has one", documents->size()));
  } else {
    const auto& root = documents->front();
    const auto* name = root.find("profile");
    mistakes.enter(name == nullptr ? std::string() : "profile " + name->text, root);
    profile = read_body(Field(root, mistakes));
  }
  if (mistakes.first()) return std::unexpected(*mistakes.first());
  return profile;
}

std::string default_directory() { return data_folder("profiles", CONNTRUTH_PROFILE_DIR); }

Result<std::vector<ProfileFile>> load_profiles(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
  }
  if (paths.empty()) return fail(ErrorCode::kNotFound, "no profiles in " + directory);
  std::ranges::sort(paths);
  std::vector<ProfileFile> files;
  for (const auto& path : paths) {
    auto file = load(path);
    if (!file) return std::unexpected(file.error());
    if (std::filesystem::path(path).stem() != file->profile.name) {
      return fail(ErrorCode::kInvalidInput, fmt::format("{}:1: profile {} must stand in a file named {}.yaml", path,
                                                        file->profile.name, file->profile.name));
    }
    files.push_back(std::move(*file));
  }
  return files;
}

Result<ProfileFile> find_profile(const std::string& name_or_path) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".yaml")) return load(name_or_path);
  auto files = load_profiles(default_directory());
  if (!files) return std::unexpected(files.error());
  std::vector<std::string> names;
  for (auto& file : *files) {
    if (file.profile.name == name_or_path) return std::move(file);
    names.push_back(file.profile.name);
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("no profile \"{}\"; there are {}, or name a file", name_or_path, fmt::join(names, ", ")));
}

}  // namespace conntruth::profile
