#include "controller/app/remote_controller.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "controller/cluster/run_key.hpp"
#include "kube/access.hpp"
#include "kube/api_error.hpp"

namespace conntruth::app {
namespace {

using Json = nlohmann::json;

constexpr auto kSelector = "app.kubernetes.io/name=conntruth,app.kubernetes.io/component=controller";
constexpr int kPort = 7080;
constexpr std::chrono::seconds kReportWithin{120};
constexpr std::chrono::seconds kSilence{45};       // three heartbeats
constexpr std::chrono::seconds kTakeUpWithin{60};  // a stream that is cut again and again without a word
constexpr std::chrono::milliseconds kTakeUpAfter{500};

ErrorCode code_of(const std::string& word) {
  for (const auto code :
       {ErrorCode::kInvalidInput, ErrorCode::kNotFound, ErrorCode::kUnsupported, ErrorCode::kPermission,
        ErrorCode::kConflict, ErrorCode::kUnavailable, ErrorCode::kResource}) {
    if (word == to_string(code)) return code;
  }
  return ErrorCode::kInternal;
}

// Our controller's own words, or else those of the API server between us.
Error error_of(const kube::Request& request, const kube::Response& answer, const std::string& where) {
  const auto json = Json::parse(answer.body, nullptr, false);
  if (json.is_object() && json.contains("error") && json["error"].is_string())
    return {code_of(json.value("code", "")), json["error"]};
  return kube::api_error(request, answer.status, answer.body, where, {});
}

bool is_ready(const Json& pod) {
  if (pod.at("metadata").contains("deletionTimestamp")) return false;
  const auto status = pod.value("status", Json::object());
  if (status.value("phase", "") != "Running") return false;
  for (const auto& condition : status.value("conditions", Json::array())) {
    if (condition.value("type", "") == "Ready") return condition.value("status", "") == "True";
  }
  return false;
}

}  // namespace

Result<ClusterClient> open_cluster(const ClusterTarget& target, const kube::ClientOptions& options) {
  auto query = kube::AccessQuery::from_environment();
  query.kubeconfig = target.kubeconfig;
  query.context = target.context;
  auto access = kube::find_access(query);
  if (!access) return std::unexpected(access.error());
  auto where = access->origin;
  auto client = kube::Client::make(std::move(*access), options);
  if (!client) return std::unexpected(client.error());
  return ClusterClient{std::move(*client), std::move(where)};
}

Result<RemoteController> RemoteController::connect(const ClusterTarget& target) {
  auto cluster = open_cluster(target, {});
  if (!cluster) return std::unexpected(cluster.error());
  return connect(std::move(cluster->client), std::move(cluster->where), target.system_namespace);
}

Result<RemoteController> RemoteController::connect(std::unique_ptr<kube::Client> client, std::string where,
                                                   std::string system_namespace) {
  RemoteController remote(std::move(client), std::move(where), std::move(system_namespace));
  if (auto found = remote.find_pod(); !found) return std::unexpected(found.error());
  auto key = cluster::read_run_key(*remote.client_, remote.namespace_);
  if (!key) return std::unexpected(key.error());
  remote.key_ = std::move(*key);
  return remote;
}

Status RemoteController::find_pod() {
  const auto answer = client_->call(kube::list(kube::kPods, namespace_, kSelector));
  if (!answer) return std::unexpected(answer.error());
  std::string waiting;
  try {
    const auto list = Json::parse(answer->body);
    for (const auto& pod : list.at("items")) {
      const auto name = pod.at("metadata").at("name").get<std::string>();
      if (is_ready(pod)) {
        pod_ = name;
        return {};
      }
      waiting = name;
    }
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("the list of pods cannot be read: {}", error.what()));
  }
  if (!waiting.empty()) {
    return fail(ErrorCode::kUnavailable, fmt::format("{}: the controller's pod {}/{} is not ready; `kubectl -n {} "
                                                     "describe pod {}` says why",
                                                     where_, namespace_, waiting, namespace_, waiting));
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("{}: there is no controller in namespace {}; install conntruth there, or "
                          "name another one with --namespace",
                          where_, namespace_));
}

kube::Request RemoteController::request(kube::Method method, std::string_view verb, const std::string& path) const {
  kube::Request result;
  result.method = method;
  result.path = fmt::format("/api/v1/namespaces/{}/pods/http:{}:{}/proxy/v1/runs{}", namespace_, pod_, kPort, path);
  result.verb = verb;
  result.resource = "pods/proxy";
  result.namespace_name = namespace_;
  result.name = pod_;
  result.headers = {{"X-Conntruth-Key", key_}};
  return result;
}

Result<std::string> RemoteController::ask(const kube::Request& request) {
  auto answer = client_->exchange(request, client_->deadline_in(kReportWithin));
  if (!answer) return std::unexpected(answer.error());
  if (answer->status >= 400) return std::unexpected(error_of(request, *answer, where_));
  return std::move(answer->body);
}

Result<std::string> RemoteController::start(const std::string& options) {
  auto wish = request(kube::Method::kPost, "create", "");
  wish.body = options;
  wish.content_type = "application/json";
  wish.repeatable = false;
  const auto answer = ask(wish);
  if (!answer) return std::unexpected(answer.error());
  const auto json = Json::parse(*answer, nullptr, false);
  if (!json.is_object() || !json.contains("id"))
    return fail(ErrorCode::kUnavailable, "the controller's answer is no run id: another version of conntruth?");
  return json["id"].get<std::string>();
}

Status RemoteController::cancel(const std::string& id) {
  const auto answer = ask(request(kube::Method::kDelete, "delete", "/" + id));
  if (!answer) return std::unexpected(answer.error());
  return {};
}

Result<std::string> RemoteController::read(const std::string& path, const kube::Query& query) {
  auto wish = request(kube::Method::kGet, "get", path);
  wish.query = query;
  return ask(wish);
}

Result<std::string> RemoteController::follow_once(const std::string& id, std::string& last, const OnEvent& on_event) {
  auto wish = request(kube::Method::kGet, "get", "/" + id + "/events");
  if (!last.empty()) wish.headers.emplace_back("Last-Event-ID", last);
  auto opened = client_->open_stream(wish, client_->default_deadline());
  if (!opened) return std::unexpected(opened.error());
  if (!opened->stream) return std::unexpected(error_of(wish, opened->refusal, where_));
  EventStreamReader reader;
  while (true) {
    const auto more = opened->stream->read(reader.input(), kSilence);
    while (auto event = reader.next()) {
      last = event->id;
      if (event->type == "end") return event->data;
      on_event(*event);
    }
    if (!more) return std::unexpected(more.error());
    if (!*more) return fail(ErrorCode::kUnavailable, "the controller ended the stream of events before the run's end");
  }
}

Result<std::string> RemoteController::follow(const std::string& id, const OnEvent& on_event) {
  std::string last;
  auto give_up = std::chrono::steady_clock::now() + kTakeUpWithin;
  while (true) {
    const auto before = last;
    auto end = follow_once(id, last, on_event);
    if (end) return end;
    if (last != before) give_up = std::chrono::steady_clock::now() + kTakeUpWithin;
    const auto code = end.error().code;
    if (code != ErrorCode::kUnavailable && code != ErrorCode::kNotFound) return end;
    // The run may go on all the same: it does not depend on us. Another pod knows nothing of it.
    const auto pod = pod_;
    const bool found = find_pod().has_value();
    if (found && pod_ != pod)
      return fail(ErrorCode::kUnavailable,
                  fmt::format("run {}: the controller's pod was replaced in the middle of it; run again", id));
    if (found && code == ErrorCode::kNotFound) return end;
    if (std::chrono::steady_clock::now() > give_up || !client_->wait(kTakeUpAfter, {})) return end;
  }
}

}  // namespace conntruth::app
