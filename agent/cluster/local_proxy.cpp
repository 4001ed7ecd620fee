#include "agent/cluster/local_proxy.hpp"

#include <algorithm>
#include <chrono>

#include "kube/client.hpp"

namespace conntruth::agent {

namespace {

constexpr std::chrono::seconds kWithin{2};
constexpr std::size_t kMostBytes = std::size_t{4} << 20U;  // metrics of 10,000 Services are far below
constexpr std::size_t kLongestWord = 40;

bool is_word(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '+';
  };
  return !text.empty() && text.size() <= kLongestWord && std::ranges::all_of(text, fits);
}

// "" where there is no such answer.
std::string read(kube::Client& client, std::string path) {
  kube::Request request;
  request.path = std::move(path);
  request.verb = "get";
  const auto answer = client.exchange(request, client.default_deadline());
  return answer && answer->status == 200 ? answer->body : std::string();
}

}  // namespace

std::string build_version(std::string_view metrics) {
  constexpr std::string_view kBuild = "kubernetes_build_info{";
  constexpr std::string_view kVersion = "git_version=\"";
  while (!metrics.empty()) {
    const auto line = metrics.substr(0, metrics.find('\n'));
    metrics.remove_prefix(std::min(line.size() + 1, metrics.size()));
    const auto at = line.find(kVersion);
    if (!line.starts_with(kBuild) || at == std::string_view::npos) continue;
    const auto rest = line.substr(at + kVersion.size());
    const auto version = rest.substr(0, rest.find('"'));
    return is_word(version) ? std::string(version) : std::string();
  }
  return {};
}

std::string local_proxy(std::uint16_t port) {
  kube::Access access;
  access.origin = "this node's kube-proxy";
  access.tls = false;
  access.host = "127.0.0.1";
  access.port = port;
  kube::ClientOptions options;
  options.user_agent = "conntruth-agent";
  options.timeout = kWithin;
  options.max_body = kMostBytes;
  options.backoff.first = options.backoff.most = 2 * kWithin;  // one try: a node may have something else
  const auto client = kube::Client::make(std::move(access), options);
  if (!client) return {};
  const auto mode = read(**client, "/proxyMode");
  if (!is_word(mode)) return {};
  const auto version = build_version(read(**client, "/metrics"));
  return "kube-proxy:" + mode + (version.empty() ? "" : "@" + version);
}

}  // namespace conntruth::agent
