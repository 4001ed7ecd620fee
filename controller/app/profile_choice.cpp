#include "controller/app/profile_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/model/dataplane.hpp"
#include "controller/profile/profile_file.hpp"

namespace conntruth::app {

namespace {

using profile::ProfileFile;

// "kube-proxy:nftables@v1.36.3" and "NAME@1.36" in two.
struct Versioned {
  std::string name;
  std::string version;
};

Versioned split_version(const std::string& text) {
  const auto at = text.rfind('@');
  if (at == std::string::npos) return {text, ""};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::string version_text(const oracle::NodeProfile& assigned) {
  return assigned.version ? " " + assigned.version->to_string() : std::string(" of unknown version");
}

// "3 nodes" where they are all, else their names as far as there is room.
std::string which(const std::vector<std::string>& nodes, const Topology& topology) {
  constexpr std::size_t kNamed = 5;
  if (nodes.size() == topology.nodes.size() || nodes.size() > kNamed) return fmt::format("{} nodes", nodes.size());
  return fmt::format("{}", fmt::join(nodes, ", "));
}

std::string describe(const oracle::Profiles& profiles, const Topology& topology) {
  std::map<std::string, std::vector<std::string>> nodes;
  for (const auto& [node, assigned] : profiles.nodes)
    nodes[profiles.profiles.at(assigned.profile).name + version_text(assigned)].push_back(node);
  if (nodes.empty()) return "none";
  for (const auto& node : topology.nodes) {
    if (!profiles.nodes.contains(node.name)) nodes["none"].push_back(node.name);
  }
  std::vector<std::string> words;
  for (const auto& [name, names] : nodes) words.push_back(fmt::format("{} on {}", name, which(names, topology)));
  return fmt::format("{}", fmt::join(words, "; "));
}

Result<ProfileChoice> choose_named(const std::string& wanted, const Topology& topology,
                                   const std::map<std::string, std::string>& dataplanes) {
  const auto [name, version_word] = split_version(wanted);
  auto file = profile::find_profile(name);
  if (!file) return std::unexpected(file.error());
  const auto version = oracle::Version::parse(version_word);
  if (!version && !version_word.empty()) {
    return fail(ErrorCode::kInvalidInput, fmt::format("\"{}\" is no version such as 1.36 or 1.36.3", version_word));
  }
  ProfileChoice choice;
  for (const auto& node : topology.nodes) {
    oracle::NodeProfile assigned{0, version};
    const auto known = dataplanes.find(node.name);
    if (!version && known != dataplanes.end()) {
      const auto [kind, its_version] = split_version(known->second);
      if (kind == file->profile.dataplane) assigned.version = oracle::Version::parse(its_version);
    }
    choice.profiles.nodes[node.name] = assigned;
  }
  choice.profiles.profiles.push_back(std::move(file->profile));
  choice.texts.push_back(std::move(file->text));
  return choice;
}

Result<ProfileChoice> choose_by_dataplane(const Topology& topology,
                                          const std::map<std::string, std::string>& dataplanes) {
  auto files = profile::load_profiles(profile::default_directory());
  if (!files) return std::unexpected(files.error());
  ProfileChoice choice;
  for (auto& file : *files) {
    const auto index = choice.texts.size();
    for (const auto& [node, dataplane] : dataplanes) {
      const auto [kind, version] = split_version(dataplane);
      if (kind.empty() || kind != file.profile.dataplane || topology.node(node) == nullptr) continue;
      choice.profiles.nodes[node] = {index, oracle::Version::parse(version)};
    }
    const auto uses = [&](const auto& entry) { return entry.second.profile == index; };
    if (std::ranges::none_of(choice.profiles.nodes, uses)) continue;
    choice.profiles.profiles.push_back(std::move(file.profile));
    choice.texts.push_back(std::move(file.text));
  }
  return choice;
}

}  // namespace

Result<ProfileChoice> choose_profiles(const std::string& wanted, const Topology& topology,
                                      const std::map<std::string, std::string>& dataplanes) {
  if (wanted == "none") return ProfileChoice{{}, {}, "none"};
  auto choice =
      wanted == "auto" ? choose_by_dataplane(topology, dataplanes) : choose_named(wanted, topology, dataplanes);
  if (choice) choice->described = describe(choice->profiles, topology);
  return choice;
}

std::map<std::string, std::string> with_told(std::map<std::string, std::string> known,
                                             const std::map<std::string, std::vector<std::string>>& capabilities) {
  for (const auto& [node, words] : capabilities) {
    const auto told = std::ranges::find_if(words, [](const auto& word) { return word.starts_with(kDataplaneWord); });
    if (told != words.end()) known.emplace(node, told->substr(kDataplaneWord.size()));
  }
  return known;
}

}  // namespace conntruth::app
