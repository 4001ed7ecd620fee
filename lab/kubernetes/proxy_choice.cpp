#include "lab/kubernetes/proxy_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lab/topology/address_plan.hpp"

namespace conntruth::lab {

namespace {

constexpr std::string_view kChoices = "reference, none, kube-proxy:nftables, kube-proxy:iptables, command";
constexpr std::string_view kKubeProxy = "kube-proxy:";

bool is_version(std::string_view text) {
  return !text.empty() && text.find_first_not_of("v0123456789.") == std::string_view::npos;
}

std::unexpected<Error> wrong(std::string message) { return fail(ErrorCode::kInvalidInput, std::move(message)); }

// Every place where the specification names a proxy.
template <typename Spec, typename Visit>
Status for_each_choice(Spec& spec, Visit visit) {
  if (auto done = visit("proxy", spec.proxy); !done) return done;
  for (auto& [node, proxy] : spec.node_proxies) {
    if (auto done = visit("proxy of " + node, proxy); !done) return done;
  }
  return {};
}

std::vector<std::string> node_names(const LabSpec& spec) {
  std::vector<std::string> names;
  for (unsigned node = 1; node <= spec.nodes; ++node) names.push_back(plan_node(spec, node).name);
  return names;
}

}  // namespace

Result<ProxyChoice> read_proxy_choice(std::string_view text) {
  if (text == kReference || text == kNoProxy || text == kCommand) return ProxyChoice{std::string(text), "", ""};
  const auto unknown = [&] { return wrong(fmt::format("\"{}\" is not one of {}", text, kChoices)); };
  if (!text.starts_with(kKubeProxy)) return unknown();
  const auto rest = text.substr(kKubeProxy.size());
  const auto at = rest.find('@');
  ProxyChoice choice{"kube-proxy", std::string(rest.substr(0, at)), ""};
  if (choice.mode != "nftables" && choice.mode != "iptables") return unknown();
  if (at == std::string_view::npos) return choice;
  choice.version = rest.substr(at + 1);
  if (!is_version(choice.version)) return wrong(fmt::format("\"{}\": after @ comes a version such as 1.34", text));
  return choice;
}

std::string to_string(const ProxyChoice& choice) {
  if (!choice.is_kube_proxy()) return choice.kind;
  return fmt::format("{}{}{}{}", kKubeProxy, choice.mode, choice.version.empty() ? "" : "@", choice.version);
}

const std::string& proxy_of(const LabSpec& spec, const std::string& node) {
  const auto found = spec.node_proxies.find(node);
  return found == spec.node_proxies.end() ? spec.proxy : found->second;
}

bool uses_proxy(const LabSpec& spec, std::string_view proxy) {
  return std::ranges::any_of(node_names(spec), [&](const auto& node) { return proxy_of(spec, node) == proxy; });
}

std::string describe_proxies(const LabSpec& spec) {
  std::map<std::string, unsigned> counts;
  for (const auto& node : node_names(spec)) ++counts[proxy_of(spec, node)];
  if (counts.size() == 1) return counts.begin()->first;
  std::string text;
  for (const auto& [proxy, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", proxy, count);
  return text;
}

namespace {

Status check_kubelets(const LabSpec& spec) {
  if (!spec.kubernetes || !spec.kubernetes->kubelets) return {};
  for (const auto& node : node_names(spec)) {
    const auto choice = read_proxy_choice(proxy_of(spec, node));
    if (!choice || choice->follows_api()) continue;
    return wrong(
        fmt::format("proxy of {}: \"{}\" does not follow the API; with kubelets every node's proxy has to, or "
                    "real pods have no Services",
                    node, proxy_of(spec, node)));
  }
  return {};
}

}  // namespace

Status check_proxies(const LabSpec& spec) {
  const auto names = node_names(spec);
  for (const auto& [node, proxy] : spec.node_proxies) {
    if (std::ranges::find(names, node) == names.end()) {
      return wrong(fmt::format("proxy of {}: there is no such node; the lab has node-1 to node-{}", node, spec.nodes));
    }
  }
  if (auto done = check_kubelets(spec); !done) return done;
  auto checked = for_each_choice(spec, [&](const std::string& where, const std::string& text) -> Status {
    const auto choice = read_proxy_choice(text);
    if (!choice) return std::unexpected(choice.error().in(where));
    if (choice->follows_api() && !spec.kubernetes) {
      return wrong(fmt::format("{}: {} follows a Kubernetes API; set kubernetes, too", where, text));
    }
    if (choice->kind == kCommand && spec.proxy_command.empty()) {
      return wrong(where + ": \"command\" needs a proxy_command (--proxy-cmd)");
    }
    return {};
  });
  if (!checked || spec.proxy_command.empty()) return checked;
  if (!uses_proxy(spec, kCommand)) return wrong("proxy_command: no node's proxy is \"command\"");
  const auto filled = fill_in(spec.proxy_command, {});
  return filled ? Status() : std::unexpected(filled.error().in("proxy_command"));
}

Status imply(LabSpec& spec, bool proxies_given, std::string_view version) {
  if (!proxies_given && !spec.proxy_command.empty()) {
    spec.proxy = kCommand;
  } else if (!proxies_given && spec.kubernetes) {
    spec.proxy = "kube-proxy:nftables";
  }
  unsigned dated = 0;
  auto done = for_each_choice(spec, [&](const std::string& where, std::string& text) -> Status {
    auto choice = read_proxy_choice(text);
    if (!choice) return std::unexpected(choice.error().in(where));
    if (choice->is_kube_proxy() && choice->version.empty() && !version.empty()) {
      ++dated;
      choice->version = version;
      text = to_string(*choice);
    }
    if (choice->follows_api() && !spec.kubernetes) spec.kubernetes = KubernetesSpec{};
    return {};
  });
  if (done && !version.empty() && dated == 0)
    return wrong("proxy_version: no node runs a kube-proxy without a version");
  if (done && !version.empty() && !is_version(version)) {
    return wrong(fmt::format("proxy_version: \"{}\" is no version such as 1.34", version));
  }
  return done;
}

Result<std::string> fill_in(std::string_view command, const ProxyPlace& place) {
  const std::map<std::string_view, std::string> known{
      {"kubeconfig", place.kubeconfig}, {"node", place.node}, {"address", place.address}};
  std::string text;
  while (true) {
    const auto open = command.find('{');
    text += command.substr(0, open);
    if (open == std::string_view::npos) return text;
    command.remove_prefix(open + 1);
    const auto close = command.find('}');
    const auto word = command.substr(0, close);
    // Braces of the shell's own, as in ${HOME} and { a; b; }, are none of ours.
    const bool ours = !text.ends_with('$') && close != std::string_view::npos && !word.empty() &&
                      word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-_") == std::string_view::npos;
    if (!ours) {
      text += '{';
      continue;
    }
    const auto found = known.find(word);
    if (found == known.end()) {
      return wrong(fmt::format("unknown placeholder {{{}}}; there are {{kubeconfig}}, {{node}} and {{address}}", word));
    }
    text += found->second;
    command.remove_prefix(close + 1);
  }
}

// The conntrack settings of 0 keep it from writing sysctls that belong to the host.
std::vector<std::string> kube_proxy_arguments(const LabSpec& spec, std::string_view mode, const ProxyPlace& place) {
  std::string ranges;
  for (const auto& range : cluster_pod_prefixes(spec)) ranges += (ranges.empty() ? "" : ",") + range.to_string();
  return {"--kubeconfig=" + place.kubeconfig,
          "--hostname-override=" + place.node,
          fmt::format("--proxy-mode={}", mode),
          "--detect-local-mode=ClusterCIDR",
          "--cluster-cidr=" + ranges,
          "--conntrack-max-per-core=0",
          "--conntrack-tcp-timeout-established=0",
          "--conntrack-tcp-timeout-close-wait=0",
          "--v=2"};
}

}  // namespace conntruth::lab
