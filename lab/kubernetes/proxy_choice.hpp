#pragma once
// Which Service proxy a node runs, as text: "reference", "none", "kube-proxy:nftables", "kube-proxy:iptables" (both
// also with "@VERSION") or "command". And how the real ones are started. Threading: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "lab/lab.hpp"

namespace conntruth::lab {

inline constexpr std::string_view kReference = "reference";
inline constexpr std::string_view kNoProxy = "none";
inline constexpr std::string_view kCommand = "command";

struct ProxyChoice {
  std::string kind;     // "reference", "none", "kube-proxy", "command"
  std::string mode;     // kube-proxy: "nftables" or "iptables"
  std::string version;  // kube-proxy: "" as the API's
  bool operator==(const ProxyChoice&) const = default;

  [[nodiscard]] bool is_kube_proxy() const { return kind == "kube-proxy"; }
  [[nodiscard]] bool follows_api() const { return is_kube_proxy() || kind == kCommand; }
};
// kInvalidInput lists what there is.
[[nodiscard]] Result<ProxyChoice> read_proxy_choice(std::string_view text);
[[nodiscard]] std::string to_string(const ProxyChoice& choice);

// The proxy of a node, and of how many nodes `matches` holds.
[[nodiscard]] const std::string& proxy_of(const LabSpec& spec, const std::string& node);
[[nodiscard]] bool uses_proxy(const LabSpec& spec, std::string_view proxy);
// "kube-proxy:nftables", or where nodes differ "kube-proxy:nftables 2, none 1".
[[nodiscard]] std::string describe_proxies(const LabSpec& spec);

// Checks the fields about proxies and the API against each other.
[[nodiscard]] Status check_proxies(const LabSpec& spec);

// What a user may leave out: a proxy that follows the API asks for one; a lab with an API and no word about proxies
// gets kube-proxy:nftables; a command and no word about proxies is for all nodes. `version` (may be empty) is for every
// kube-proxy without one.
[[nodiscard]] Status imply(LabSpec& spec, bool proxies_given, std::string_view version);

struct ProxyPlace {
  std::string kubeconfig;
  std::string node;
  std::string address;  // the node's first InternalIP
};
// `{kubeconfig}`, `{node}` and `{address}` filled in; kInvalidInput for any other word in braces.
[[nodiscard]] Result<std::string> fill_in(std::string_view command, const ProxyPlace& place);
// Arguments of kube-proxy. Source: kubernetes.io/docs/reference/command-line-tools-reference/kube-proxy.
[[nodiscard]] std::vector<std::string> kube_proxy_arguments(const LabSpec& spec, std::string_view mode,
                                                            const ProxyPlace& place);

}  // namespace conntruth::lab
