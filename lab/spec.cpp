#include "lab/spec.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "lab/kubernetes/proxy_choice.hpp"

namespace conntruth::lab {

namespace {

constexpr unsigned kMaxNodes = 50;
constexpr unsigned kMaxPods = 20;
constexpr std::size_t kMaxName = 20;
constexpr std::string_view kKeys =
    "name, nodes, pods_per_node, zones, ipv4, ipv6, proxy, node_proxies, proxy_command, proxy_version, kubernetes, "
    "kube_bin, kubelet";

bool is_label(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

// What has bounds of its own; how proxies and API go together is check_proxies()'s.
Status check_bounds(const LabSpec& spec) {
  if (auto name = check_lab_name(spec.name); !name) return name;
  const auto wrong = [](std::string message) { return fail(ErrorCode::kInvalidInput, std::move(message)); };
  if (spec.nodes < 1 || spec.nodes > kMaxNodes) {
    return wrong(fmt::format("nodes: {} is out of range 1..{}", spec.nodes, kMaxNodes));
  }
  if (spec.pods_per_node < 1 || spec.pods_per_node > kMaxPods) {
    return wrong(fmt::format("pods_per_node: {} is out of range 1..{}", spec.pods_per_node, kMaxPods));
  }
  for (const auto& zone : spec.zones) {
    if (!is_label(zone, 63)) return wrong(fmt::format("zones: \"{}\": use 1 to 63 of a-z, 0-9 and -", zone));
  }
  if (!spec.ipv4 && !spec.ipv6) return wrong("ipv4 and ipv6 are both off; a lab needs at least one family");
  return {};
}

class Reader {
 public:
  explicit Reader(std::string_view origin) : origin_(origin) {}

  Result<LabSpec> read(const YAML::Node& document) {
    if (!document.IsDefined() || document.IsNull()) return LabSpec{};
    if (!document.IsMap()) return wrong(document, fmt::format("expected a mapping with the keys {}", kKeys));
    std::set<std::string> seen;
    for (const auto& item : document) {
      const auto key = item.first.IsScalar() ? item.first.Scalar() : std::string();
      if (!seen.insert(key).second) return wrong(item.first, fmt::format("{} is given twice", key));
      if (auto done = field(key, item.first, item.second); !done) return std::unexpected(done.error());
    }
    // The API first: it decides what a missing word about proxies means.
    if (has_api_ || kubelets_) spec_.kubernetes = KubernetesSpec{version_, programs_, kubelets_};
    const bool proxies_given = seen.contains("proxy") || seen.contains("node_proxies");
    if (auto done = imply(spec_, proxies_given, proxy_version_); !done) {
      return std::unexpected(done.error().in(origin_));
    }
    return spec_;
  }

 private:
  std::unexpected<Error> wrong(const YAML::Node& node, const std::string& message) const {
    return fail(ErrorCode::kInvalidInput, fmt::format("{}:{}: {}", origin_, node.Mark().line + 1, message));
  }

  template <typename T>
  Status scalar(const std::string& key, const YAML::Node& value, T& target, std::string_view wanted) {
    if (value.IsScalar() && YAML::convert<T>::decode(value, target)) return {};
    return wrong(value, fmt::format("{}: expected {}", key, wanted));
  }

  Status zones(const YAML::Node& value) {
    if (!value.IsSequence()) return wrong(value, "zones: expected a list of names, [] for none");
    spec_.zones.clear();
    for (const auto& zone : value) {
      if (!zone.IsScalar()) return wrong(zone, "zones: expected a list of names");
      spec_.zones.push_back(zone.Scalar());
    }
    return {};
  }

  Status proxy(const std::string& key, const YAML::Node& value, std::string& target) {
    if (auto done = scalar(key, value, target, "text"); !done) return done;
    if (auto choice = read_proxy_choice(target); !choice) return wrong(value, key + ": " + choice.error().message);
    return {};
  }

  Status node_proxies(const YAML::Node& value) {
    if (!value.IsMap()) return wrong(value, "node_proxies: expected a mapping from nodes to proxies");
    for (const auto& item : value) {
      const auto node = item.first.IsScalar() ? item.first.Scalar() : std::string();
      if (auto done = proxy("node_proxies: " + node, item.second, spec_.node_proxies[node]); !done) return done;
    }
    return {};
  }

  // A version, or true for the newest that was built.
  Status kubernetes(const YAML::Node& value) {
    has_api_ = true;
    if (YAML::convert<bool>::decode(value, has_api_)) return {};
    return scalar("kubernetes", value, version_, "a version such as 1.36, true or false");
  }

  Status kube_bin(const YAML::Node& value) {
    has_api_ = true;
    return scalar("kube_bin", value, programs_, "a folder");
  }

  Status dispatch(const std::string& key, const YAML::Node& name, const YAML::Node& value) {
    if (key == "name") return scalar(key, value, spec_.name, "text");
    if (key == "nodes") return scalar(key, value, spec_.nodes, "a number");
    if (key == "pods_per_node") return scalar(key, value, spec_.pods_per_node, "a number");
    if (key == "zones") return zones(value);
    if (key == "ipv4") return scalar(key, value, spec_.ipv4, "true or false");
    if (key == "ipv6") return scalar(key, value, spec_.ipv6, "true or false");
    if (key == "proxy") return proxy(key, value, spec_.proxy);
    if (key == "node_proxies") return node_proxies(value);
    if (key == "proxy_command") return scalar(key, value, spec_.proxy_command, "text");
    if (key == "proxy_version") return scalar(key, value, proxy_version_, "a version such as 1.34");
    if (key == "kubernetes") return kubernetes(value);
    if (key == "kube_bin") return kube_bin(value);
    if (key == "kubelet") return scalar(key, value, kubelets_, "true or false");
    return wrong(name, fmt::format("unknown key \"{}\"; known are {}", key, kKeys));
  }

  // Bounds are checked field by field so that the message has the line.
  Status field(const std::string& key, const YAML::Node& name, const YAML::Node& value) {
    if (auto done = dispatch(key, name, value); !done) return done;
    auto probe = spec_;
    probe.ipv4 = probe.ipv4 || key != "ipv6";  // both families off is judged when all has been read
    if (auto checked = check_bounds(probe); !checked && !(key == "ipv4" || key == "ipv6")) {
      return wrong(value, checked.error().message);
    }
    return {};
  }

  std::string origin_;
  LabSpec spec_;
  bool has_api_ = false;
  std::string version_;
  std::string programs_;
  bool kubelets_ = false;
  std::string proxy_version_;
};

}  // namespace

Status check_lab_name(std::string_view name) {
  if (is_label(name, kMaxName)) return {};
  return fail(ErrorCode::kInvalidInput, fmt::format("lab name \"{}\": use 1 to {} of a-z, 0-9 and -", name, kMaxName));
}

Status check_lab_spec(const LabSpec& spec) {
  if (auto checked = check_bounds(spec); !checked) return checked;
  return check_proxies(spec);
}

Result<LabSpec> read_lab_spec(std::string_view text, std::string_view origin) {
  try {
    auto spec = Reader(origin).read(YAML::Load(std::string(text)));
    if (!spec) return spec;
    if (auto checked = check_lab_spec(*spec); !checked) return std::unexpected(checked.error().in(origin));
    return spec;
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("{}:{}: {}", origin, error.mark.line + 1, error.msg));
  }
}

std::string write_lab_spec(const LabSpec& spec) {
  nlohmann::ordered_json document = {
      {"name", spec.name},   {"nodes", spec.nodes}, {"pods_per_node", spec.pods_per_node},
      {"zones", spec.zones}, {"ipv4", spec.ipv4},   {"ipv6", spec.ipv6},
      {"proxy", spec.proxy}};
  if (!spec.node_proxies.empty()) document["node_proxies"] = spec.node_proxies;
  if (!spec.proxy_command.empty()) document["proxy_command"] = spec.proxy_command;
  if (spec.kubernetes) {
    document["kubernetes"] = true;
    if (!spec.kubernetes->version.empty()) document["kubernetes"] = spec.kubernetes->version;
    if (!spec.kubernetes->programs.empty()) document["kube_bin"] = spec.kubernetes->programs;
    if (spec.kubernetes->kubelets) document["kubelet"] = true;
  }
  return document.dump(2) + "\n";
}

}  // namespace conntruth::lab
