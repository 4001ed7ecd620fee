#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "common/file.hpp"
#include "lab/faults/faults.hpp"
#include "lab/files.hpp"

namespace conntruth::lab {

namespace {

constexpr std::string_view kKeys = "id, title, needs, default_node, plant, heal, expect";
constexpr std::string_view kNeeds = "proxy, ipv4, ipv6, nodes, pods";

class Reader {
 public:
  explicit Reader(std::string_view origin) : origin_(origin) {}

  Result<Fault> read(const YAML::Node& document) {
    auto done = each_key(document, kKeys,
                         [this](const std::string& key, const YAML::Node& value) { return field(key, value); });
    if (!done) return std::unexpected(done.error());
    for (const auto& [key, value] : {std::pair("id", &fault_.id), std::pair("title", &fault_.title),
                                     std::pair("plant", &fault_.plant), std::pair("heal", &fault_.heal)}) {
      if (value->empty()) return wrong(document, fmt::format("{} is missing", key));
    }
    return fault_;
  }

 private:
  std::unexpected<Error> wrong(const YAML::Node& node, const std::string& message) const {
    return fail(ErrorCode::kInvalidInput, fmt::format("{}:{}: {}", origin_, node.Mark().line + 1, message));
  }

  // Calls `take`, which answers false for a key that it does not know.
  template <typename Take>
  Status each_key(const YAML::Node& map, std::string_view known, Take take) {
    if (!map.IsMap()) return wrong(map, fmt::format("expected a mapping with the keys {}", known));
    std::set<std::string> seen;
    for (const auto& item : map) {
      const auto key = item.first.IsScalar() ? item.first.Scalar() : std::string();
      if (!seen.insert(key).second) return wrong(item.first, fmt::format("{} is given twice", key));
      Result<bool> taken = take(key, item.second);
      if (!taken) return std::unexpected(taken.error());
      if (!*taken) return wrong(item.first, fmt::format("unknown key \"{}\"; known are {}", key, known));
    }
    return {};
  }

  template <typename T>
  Result<bool> scalar(const std::string& key, const YAML::Node& value, T& target, std::string_view wanted) {
    if (!value.IsScalar() || !YAML::convert<T>::decode(value, target)) {
      return wrong(value, fmt::format("{}: expected {}", key, wanted));
    }
    return true;
  }

  Result<bool> identity(const YAML::Node& value) {
    auto taken = scalar("id", value, fault_.id, "text");
    const bool valid = std::ranges::all_of(
        fault_.id, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
    if (taken && !valid) return wrong(value, fmt::format("id: \"{}\": use a-z, 0-9 and -", fault_.id));
    return taken;
  }

  Result<bool> need(const std::string& key, const YAML::Node& value) {
    auto& needs = fault_.needs;
    if (key == "proxy") return scalar(key, value, needs.proxy, "true or false");
    if (key == "ipv4") return scalar(key, value, needs.ipv4, "true or false");
    if (key == "ipv6") return scalar(key, value, needs.ipv6, "true or false");
    if (key == "nodes") return scalar(key, value, needs.nodes, "a number");
    if (key == "pods") return scalar(key, value, needs.pods, "a number");
    return false;
  }

  Result<bool> field(const std::string& key, const YAML::Node& value) {
    if (key == "id") return identity(value);
    if (key == "title") return scalar(key, value, fault_.title, "one line of text");
    if (key == "default_node") return scalar(key, value, fault_.default_node, "a node's name");
    if (key == "plant") return scalar(key, value, fault_.plant, "a shell script");
    if (key == "heal") return scalar(key, value, fault_.heal, "a shell script");
    if (key == "needs") {
      auto done =
          each_key(value, kNeeds, [this](const std::string& name, const YAML::Node& each) { return need(name, each); });
      if (!done) return std::unexpected(done.error());
      return true;
    }
    if (key != "expect") return false;
    fault_.expect = YAML::Dump(value);
    return true;
  }

  std::string origin_;
  Fault fault_;
};

}  // namespace

Result<Fault> read_fault(std::string_view text, std::string_view origin) {
  try {
    return Reader(origin).read(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("{}:{}: {}", origin, error.mark.line + 1, error.msg));
  }
}

Result<Fault> read_fault_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  auto fault = read_fault(*text, path);
  const auto name = std::filesystem::path(path).stem().string();
  if (fault && fault->id != name) {
    return fail(ErrorCode::kInvalidInput, fmt::format("{}:1: id \"{}\" is not the file's name", path, fault->id));
  }
  return fault;
}

Result<std::vector<Fault>> load_faults(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".yaml") paths.push_back(entry->path().string());
  }
  if (error) return fail_errno("read the faults in " + directory, error.value());
  std::ranges::sort(paths);
  std::vector<Fault> faults;
  for (const auto& path : paths) {
    auto fault = read_fault_file(path);
    if (!fault) return std::unexpected(fault.error());
    faults.push_back(std::move(*fault));
  }
  return faults;
}

std::string fault_directory() {
  if (const char* chosen = std::getenv("CONNTRUTH_FAULTS"); chosen != nullptr && *chosen != '\0') return chosen;
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto installed = self.parent_path().parent_path() / "share/conntruth/faults";
  if (!error && std::filesystem::is_directory(installed, error)) return installed.string();
  return CONNTRUTH_FAULT_DATA;
}

}  // namespace conntruth::lab
