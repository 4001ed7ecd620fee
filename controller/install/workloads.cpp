#include "controller/install/workloads.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "controller/cluster/cluster_facts.hpp"

namespace conntruth::install {
namespace {

using Json = nlohmann::json;
using Pointer = Json::json_pointer;

constexpr std::chrono::milliseconds kBetweenLooks{500};

template <typename T>
T value_at(const Json& object, const char* path, T otherwise) {
  const Pointer pointer(path);
  return object.contains(pointer) ? object.at(pointer).get<T>() : otherwise;
}

bool may_load_programs(const Json& container) {
  const auto added = value_at(container, "/securityContext/capabilities/add", std::vector<std::string>());
  return std::ranges::find(added, "BPF") != added.end();
}

void read_pods_of(const Json& object, Workload& into) {
  const auto containers = value_at(object, "/spec/template/spec/containers", Json::array());
  if (containers.empty()) return;
  into.image = containers.at(0).value("image", "");
  if (may_load_programs(containers.at(0))) into.profile = AgentProfile::kEbpf;
}

void read_counts(const Json& object, Workload& into) {
  const bool daemons = into.kind->kind == kDaemonSets.kind;
  into.observed = value_at(object, "/status/observedGeneration", 0) >= value_at(object, "/metadata/generation", 1);
  into.wanted = daemons ? value_at(object, "/status/desiredNumberScheduled", 0) : value_at(object, "/spec/replicas", 1);
  into.updated = value_at(object, daemons ? "/status/updatedNumberScheduled" : "/status/updatedReplicas", 0);
  into.ready = value_at(object, daemons ? "/status/numberReady" : "/status/readyReplicas", 0);
}

// The first pods that are not ready, in the words of the API.
std::string why_not_ready(kube::Client& client) {
  constexpr std::size_t kNamed = 3;
  const auto pods = cluster::read_pods(client, std::string(kSystemNamespace), client.default_deadline());
  if (!pods) return pods.error().message;
  std::vector<std::string> words;
  for (const auto& pod : *pods) {
    if (!pod.ready && words.size() < kNamed)
      words.push_back(fmt::format("{}{}{}: {}", pod.name, pod.node.empty() ? "" : " on ", pod.node, pod.state));
  }
  return fmt::format("{}", fmt::join(words, "; "));
}

bool all_up(const std::vector<Workload>& workloads) {
  return !workloads.empty() && std::ranges::all_of(workloads, &Workload::is_up);
}

}  // namespace

Result<Workload> read_workload(const kube::Resource& kind, const std::string& json) {
  const auto object = Json::parse(json, nullptr, false);
  try {
    Workload result;
    result.kind = &kind;
    result.name = object.at("metadata").at("name").get<std::string>();
    const auto labels = value_at(object, "/metadata/labels", Json::object());
    result.component = labels.value("app.kubernetes.io/component", "");
    result.managed_by = labels.value("app.kubernetes.io/managed-by", "");
    result.version = labels.value("app.kubernetes.io/version", "");
    read_pods_of(object, result);
    read_counts(object, result);
    return result;
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{}: an object that cannot be read: {}", kind.plural, error.what()));
  }
}

Result<std::vector<Workload>> read_workloads(kube::Client& client) {
  std::vector<Workload> result;
  for (const auto* kind : {&kDaemonSets, &kube::kDeployments}) {
    const auto answer = client.call(kube::list(*kind, kSystemNamespace, kInstallLabel));
    if (!answer) return std::unexpected(answer.error());
    const auto list = Json::parse(answer->body, nullptr, false);
    for (const auto& item : list.is_object() ? list.value("items", Json::array()) : Json::array()) {
      auto workload = read_workload(*kind, item.dump());
      if (!workload) return std::unexpected(workload.error());
      result.push_back(std::move(*workload));
    }
  }
  return result;
}

std::string words_of(const std::vector<Workload>& workloads) {
  std::map<std::string, std::pair<int, int>> counts;
  for (const auto& each : workloads) {
    auto& [ready, wanted] = counts[each.component];
    ready += std::min(each.ready, each.observed ? each.updated : 0);
    wanted += each.wanted;
  }
  std::vector<std::string> words;
  words.reserve(counts.size());
  for (const auto& [component, count] : counts)
    words.push_back(fmt::format("{} {} of {} ready", component, count.first, count.second));
  return fmt::format("{}", fmt::join(words, ", "));
}

Result<std::vector<Workload>> await_workloads(kube::Client& client, std::chrono::seconds timeout, const Say& say) {
  const auto deadline = client.deadline_in(timeout);
  std::string said;
  while (true) {
    auto workloads = read_workloads(client);
    if (!workloads) return workloads;
    const auto words = words_of(*workloads);
    if (words != said) say(words);
    said = words;
    if (all_up(*workloads)) return workloads;
    if (client.deadline_in(kBetweenLooks) > deadline || !client.wait(kBetweenLooks, {}))
      return fail(ErrorCode::kUnavailable,
                  fmt::format("not ready after {} s: {}; {}", timeout.count(), words, why_not_ready(client)));
  }
}

}  // namespace conntruth::install
