#include "tests/bpf/packet_case.hpp"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <stdexcept>

namespace conntruth::tests {

namespace {

Seen seen_of(const YAML::Node& node) {
  const auto word = node.as<std::string>();
  if (word == "no") return Seen::kNo;
  if (word == "probe") return Seen::kProbe;
  if (word == "answer") return Seen::kAnswer;
  throw std::invalid_argument("seen: " + word);
}

Family family_of(const std::string& word) {
  if (word == "ipv4") return Family::kIpv4;
  if (word == "ipv6") return Family::kIpv6;
  throw std::invalid_argument("family: " + word);
}

PacketPoint point_of(const std::string& word) {
  const auto plus = word.find('+');
  if (plus == std::string::npos) return {.layer = "", .offset = std::stoi(word)};
  return {.layer = word.substr(0, plus), .offset = std::stoi(word.substr(plus + 1))};
}

std::vector<std::uint8_t> bytes_of(const std::string& hex) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t at = 0; at + 2 <= hex.size(); at += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(at, 2), nullptr, 16)));
  }
  if (bytes.empty() || bytes.size() * 2 != hex.size()) throw std::invalid_argument("hex: " + hex);
  return bytes;
}

void read_key(const std::string& key, const YAML::Node& value, PacketRecipe& recipe) {
  const auto number = [&] { return value.as<int>(); };
  if (key == "message") {
    recipe.message = value.as<std::string>();
  } else if (key == "first") {
    recipe.first = value.as<std::vector<std::string>>();
  } else if (key == "set") {
    for (const auto& each : value)
      recipe.set.emplace_back(point_of(each.first.as<std::string>()), bytes_of(each.second.as<std::string>()));
  } else if (key == "protocol") {
    recipe.protocol = static_cast<std::uint8_t>(number());
  } else if (key == "extension") {
    recipe.extension = static_cast<std::uint8_t>(number());
  } else if (key == "options") {
    recipe.options = static_cast<std::size_t>(number());
  } else if (key == "size") {
    recipe.bare = value.as<std::string>() == "bare";
    if (!recipe.bare) recipe.size = static_cast<std::size_t>(number());
  } else if (key == "cut") {
    recipe.cut = point_of(value.as<std::string>());
  } else if (key == "error") {
    for (const auto* family : {"ipv4", "ipv6"}) {
      recipe.error[family_of(family)] = {.type = static_cast<std::uint8_t>(value[family][0].as<int>()),
                                         .code = static_cast<std::uint8_t>(value[family][1].as<int>())};
    }
    recipe.quotes = value["quotes"].as<std::size_t>();
  } else {
    throw std::invalid_argument("packet: " + key);
  }
}

PacketCase read_case(const YAML::Node& node) {
  PacketCase each{.name = node["name"].as<std::string>(), .packet = {}, .families = {}, .but = {}};
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (key == "packet") {
      for (const auto& part : entry.second) read_key(part.first.as<std::string>(), part.second, each.packet);
    } else if (key == "families") {
      for (const auto& word : entry.second.as<std::vector<std::string>>()) each.families.push_back(family_of(word));
    } else if (key == "seen") {
      each.seen = seen_of(entry.second);
    } else if (key == "but") {
      for (const auto& program : entry.second) each.but[program.first.as<std::string>()] = seen_of(program.second);
    } else if (key != "name") {
      throw std::invalid_argument(each.name + ": " + key);
    }
  }
  if (each.families.empty()) each.families = {Family::kIpv4, Family::kIpv6};
  return each;
}

}  // namespace

Seen PacketCase::expected_of(const std::string& program) const {
  const auto found = but.find(program);
  return found == but.end() ? seen : found->second;
}

std::vector<PacketCase> read_packet_cases(const std::string& path) {
  std::vector<PacketCase> cases;
  for (const auto& node : YAML::LoadFile(path)["cases"]) cases.push_back(read_case(node));
  return cases;
}

std::string data_file(const std::string& name) {
  const char* moved = std::getenv("CONNTRUTH_SOURCE_DIR");
  return std::string(moved == nullptr ? CONNTRUTH_SOURCE_DIR : moved) + "/tests/bpf/" + name;
}

}  // namespace conntruth::tests
