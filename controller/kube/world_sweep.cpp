// ClusterWorld::sweep(): everything with our label goes, namespaces last.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "controller/kube/world_writer.hpp"
#include "kube/listing.hpp"

namespace conntruth::kube {
namespace {

constexpr std::uint32_t kPage = 500;
constexpr std::string_view kWorkloadNamespace = "conntruth";
// After about six seconds: a pod whose kubelet does not answer is forgotten without its word.
constexpr unsigned kUntilForced = 7;

std::string our_selector() { return fmt::format("{}={}", kManagedByLabel, kManagedBy); }

// Names, or namespaces of objects, that carry our label.
Result<std::set<std::string>> find(Client& client, const Resource& resource, std::string_view space,
                                   SteadyTime deadline) {
  std::set<std::string> found;
  const ListVisitor visitor{[&] { found.clear(); },
                            [&](const ObjectMeta& meta, std::string_view /*unused*/) {
                              found.insert(meta.key.substr(0, meta.key.find('/')));
                            }};
  const auto version = list_pages(client, list(resource, space, our_selector()), kPage, deadline, visitor);
  if (!version) return std::unexpected(version.error());
  return found;
}

Status first_error(const std::vector<Result<Response>>& answers) {
  for (const auto& answer : answers) {
    if (!answer && answer.error().code != ErrorCode::kNotFound && answer.error().code != ErrorCode::kConflict)
      return std::unexpected(answer.error());
  }
  return {};
}

// Deletes until none is left: `ask` makes the requests for what was found.
template <typename Ask>
Status delete_all(Client& client, const Resource& resource, std::string_view space, SteadyTime deadline, Ask ask) {
  for (unsigned tries = 0;; ++tries) {
    const auto found = find(client, resource, space, deadline);
    if (!found) return std::unexpected(found.error());
    if (found->empty()) return {};
    if (const auto done = first_error(client.batch(ask(*found, tries), deadline)); !done) return done;
    if (tries == 0) continue;
    const auto delay = client.backoff().delay(tries);
    if (client.deadline_in(delay) > deadline || !client.wait(delay, {}))
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("sweep: {} still there at the deadline: {}; is a controller down that removes finalizers?",
                      resource.plural, fmt::join(*found, ", ")));
  }
}

// Deployments are only ever made in the namespace of our own worlds. They go first: Services that are still there tell
// whoever comes next that a run was not swept to its end. Their pods are not given the time that they would linger.
Status sweep_workloads(Client& client, SteadyTime deadline) {
  const auto ask = [](const auto&, unsigned tries) {
    std::vector<Request> requests;
    requests.push_back(remove_collection(kDeployments, kWorkloadNamespace, our_selector()));
    requests.back().query.emplace_back("propagationPolicy", "Foreground");
    requests.push_back(remove_collection(kPods, kWorkloadNamespace, our_selector()));
    requests.back().query.emplace_back("gracePeriodSeconds", tries < kUntilForced ? "1" : "0");
    return requests;
  };
  const auto done = delete_all(client, kDeployments, kWorkloadNamespace, deadline, ask);
  return done ? delete_all(client, kPods, kWorkloadNamespace, deadline, ask) : done;
}

// What the namespace controller does once a namespace is empty, where there is no such controller.
Status finalize(Client& client, const std::set<std::string>& names, SteadyTime deadline) {
  for (const auto& name : names) {
    const auto found = client.call(get(kNamespaces, {}, name), deadline);
    if (!found && found.error().code == ErrorCode::kNotFound) continue;
    if (!found) return std::unexpected(found.error());
    auto object = nlohmann::json::parse(found->body, nullptr, false);
    if (!object.is_object())
      return fail(ErrorCode::kInternal, fmt::format("namespaces {}: the answer is no object", name));
    object["spec"]["finalizers"] = nlohmann::json::array();
    auto request = kube::replace(kNamespaces, {}, name, object.dump());
    request.path += "/finalize";
    request.resource += "/finalize";
    const auto ended = client.call(request, deadline);
    if (!ended && ended.error().code != ErrorCode::kNotFound && ended.error().code != ErrorCode::kConflict)
      return std::unexpected(ended.error());
  }
  return {};
}

}  // namespace

Status ClusterWorld::sweep() {
  const auto deadline = client_->deadline_in(options_.timeout);
  if (const auto done = sweep_workloads(*client_, deadline); !done) return done;
  for (const auto* resource : {&kServices, &kEndpointSlices}) {
    const auto done = delete_all(*client_, *resource, {}, deadline, [&](const auto& spaces, unsigned) {
      std::vector<Request> requests;
      for (const auto& space : spaces) requests.push_back(remove_collection(*resource, space, our_selector()));
      return requests;
    });
    if (!done) return done;
  }
  services_.clear();
  slices_.clear();
  namespaces_.clear();
  Status finalized;
  const auto done = delete_all(*client_, kNamespaces, {}, deadline, [&](const auto& names, unsigned tries) {
    std::vector<Request> requests;
    if (tries == 0) {
      for (const auto& name : names) requests.push_back(kube::remove(kNamespaces, {}, name));
    } else if (options_.finalize_namespaces && finalized) {
      finalized = finalize(*client_, names, deadline);
    }
    return requests;
  });
  return finalized ? done : finalized;
}

}  // namespace conntruth::kube
