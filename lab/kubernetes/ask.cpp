#include "lab/kubernetes/ask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "kube/connection.hpp"
#include "lab/kubernetes/control_plane.hpp"

namespace conntruth::lab {

namespace {

using kube::Connection;

constexpr std::uint16_t kServicePort = 443;
constexpr unsigned kConflict = 409;
constexpr std::uint16_t kMetricsPort = 10249;
constexpr std::chrono::milliseconds kConnect{500};
constexpr std::chrono::seconds kAnswer{10};

Result<std::string> exchange(const kube::Peer& peer, const kube::HttpRequest& request) {
  const auto now = std::chrono::steady_clock::now();
  auto connection = Connection::open(peer, now + kConnect);
  if (!connection) return std::unexpected(connection.error());
  auto reply = (*connection)->exchange(request, now + kAnswer);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status / 100 == 2) return std::move(reply->body);
  return fail(reply->status == kConflict ? ErrorCode::kConflict : ErrorCode::kUnavailable,
              fmt::format("{} {} gave status {}: {}", request.method, request.target, reply->status,
                          reply->body.substr(0, 300)));
}

// The value of a metric's line; 0 where it is none.
double number_at_end(std::string_view line) {
  const auto text = line.substr(line.rfind(' ') + 1);
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() ? value : 0;
}

}  // namespace

ApiServer::ApiServer(const LabSpec& spec, std::string fabric_netns, const kube::Identity& identity,
                     std::string admin_token)
    : host_(api_addresses(spec).front().to_string()),
      service_host_(api_service_address(spec).to_string()),
      netns_(std::move(fabric_netns)),
      certificate_pem_(identity.certificate_pem),
      token_(std::move(admin_token)) {}

Result<std::string> ApiServer::call(std::string_view method, const std::string& target, std::string_view body,
                                    const std::string& content_type) const {
  kube::Peer peer;
  peer.host = peer.name = host_;
  peer.port = kApiPort;
  peer.network_namespace = netns_;
  peer.ca_pem = certificate_pem_;
  const std::vector<std::pair<std::string, std::string>> headers{
      {"Host", host_}, {"Authorization", "Bearer " + token_}, {"Content-Type", content_type}};
  return exchange(peer, {method, target, headers, body});
}

Status ApiServer::ready() const {
  const auto answer = call("GET", "/readyz", "");
  return answer ? Status() : std::unexpected(answer.error());
}

Result<std::string> ApiServer::version() const {
  const auto answer = call("GET", "/version", "");
  if (!answer) return answer;
  const auto document = nlohmann::json::parse(*answer, nullptr, false);
  if (!document.is_object() || !document.contains("gitVersion") || !document["gitVersion"].is_string()) {
    return fail(ErrorCode::kUnavailable, "the API server's /version has no gitVersion");
  }
  return document["gitVersion"].get<std::string>();
}

Status ApiServer::create(const std::string& collection, const std::string& object) const {
  const auto answer = call("POST", collection, object);
  return answer || answer.error().code == ErrorCode::kConflict ? Status() : std::unexpected(answer.error());
}

Status ApiServer::patch(const std::string& path, const std::string& merge_patch) const {
  const auto answer = call("PATCH", path, merge_patch, "application/merge-patch+json");
  return answer ? Status() : std::unexpected(answer.error());
}

Result<std::string> ApiServer::read(const std::string& path) const { return call("GET", path, ""); }

Status ApiServer::reachable_as_service(const std::string& netns) const {
  kube::Peer peer;
  peer.host = peer.name = service_host_;
  peer.port = kServicePort;
  peer.network_namespace = netns;
  peer.ca_pem = certificate_pem_;
  const auto connection = Connection::open(peer, std::chrono::steady_clock::now() + kConnect);
  if (connection) return {};
  return std::unexpected(connection.error().in("the API's own Service, default/kubernetes"));
}

bool KubeProxyState::has_written_rules(unsigned families, double since) const {
  const auto written = std::ranges::count_if(synced, [since](double time) { return time > since; });
  return written >= (per_family ? families : 1);
}

KubeProxyState read_kube_proxy_metrics(std::string_view text) {
  constexpr std::string_view kSynced = "kubeproxy_sync_proxy_rules_last_timestamp_seconds";
  constexpr std::string_view kBuild = "kubernetes_build_info{";
  constexpr std::string_view kVersion = "git_version=\"";
  KubeProxyState state;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with(kSynced)) {
      state.synced.push_back(number_at_end(line));
      state.per_family = state.per_family || line.contains("ip_family=");
    }
    const auto version = line.find(kVersion);
    if (!line.starts_with(kBuild) || version == std::string_view::npos) continue;
    const auto rest = line.substr(version + kVersion.size());
    state.version = rest.substr(0, rest.find('"'));
  }
  return state;
}

Result<KubeProxyState> ask_kube_proxy(const std::string& netns) {
  kube::Peer peer;
  peer.tls = false;
  peer.host = "127.0.0.1";
  peer.port = kMetricsPort;
  peer.network_namespace = netns;
  const auto answer = exchange(peer, {"GET", "/metrics", {{"Host", "localhost"}}, ""});
  if (!answer) return std::unexpected(answer.error().in("its metrics"));
  return read_kube_proxy_metrics(*answer);
}

}  // namespace conntruth::lab
