// read_facts(): everything that `status` asks of the API.
#include <fmt/core.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "controller/install/installation.hpp"
#include "controller/kube/world_writer.hpp"
#include "kube/listing.hpp"

namespace conntruth::install {
namespace {

using Json = nlohmann::json;

constexpr std::uint32_t kPage = 500;

// True where `done` is an error of a right that is missing, which is then noted.
bool note_missing_right(const Error& error, Facts& into) {
  if (error.code != ErrorCode::kPermission) return false;
  into.not_seen.push_back(error.message);
  return true;
}

Status read_nodes(kube::Client& client, kube::SteadyTime deadline, Facts& into) {
  auto nodes = cluster::read_nodes(client, deadline);
  if (nodes) {
    into.cluster.nodes = std::move(*nodes);
    return {};
  }
  if (!note_missing_right(nodes.error(), into)) return std::unexpected(nodes.error());
  into.nodes_seen = false;
  return {};
}

Status read_pods(kube::Client& client, kube::SteadyTime deadline, Facts& into) {
  auto pods = cluster::read_pods(client, std::string(kSystemNamespace), deadline);
  if (pods) {
    into.cluster.pods = std::move(*pods);
    return {};
  }
  if (!note_missing_right(pods.error(), into)) return std::unexpected(pods.error());
  return {};
}

Status read_all_workloads(kube::Client& client, Facts& into) {
  auto workloads = read_workloads(client);
  if (workloads) {
    into.workloads = std::move(*workloads);
    return {};
  }
  if (!note_missing_right(workloads.error(), into)) return std::unexpected(workloads.error());
  return {};
}

// Whole seconds of "2026-01-02T03:04:05.678901Z"; nothing where it is no such text.
std::optional<SystemTime> time_of(const std::string& text) {
  std::tm parts{};
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts) == nullptr) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

LeaseFacts lease_of(const std::string& body, SystemTime now) {
  LeaseFacts lease;
  const auto json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return lease;
  const auto spec = json.value("spec", Json::object());
  lease.holder = spec.value("holderIdentity", "");
  lease.renewed = spec.value("renewTime", "");
  const auto renewed = time_of(lease.renewed);
  lease.live = renewed && now < *renewed + std::chrono::seconds(spec.value("leaseDurationSeconds", 0) + 1);
  const Json::json_pointer agents("/metadata/annotations/conntruth.io~1agents");
  if (json.contains(agents)) lease.agents = json[agents].get<std::string>();
  return lease;
}

Status read_lease(kube::Client& client, std::string_view space, std::string_view name, SystemTime now, Facts& facts,
                  std::optional<LeaseFacts>& into) {
  const auto answer = client.call(kube::get(kube::kLeases, space, name));
  if (answer) {
    into = lease_of(answer->body, now);
    return {};
  }
  if (answer.error().code == ErrorCode::kNotFound || note_missing_right(answer.error(), facts)) return {};
  return std::unexpected(answer.error());
}

Status count(kube::Client& client, const kube::Resource& kind, std::string_view space, kube::SteadyTime deadline,
             Facts& facts, std::size_t& into) {
  const kube::ListVisitor visitor{[&] { into = 0; },
                                  [&](const kube::ObjectMeta& /*unused*/, std::string_view /*unused*/) { ++into; }};
  const auto marked = fmt::format("{}={}", kube::kManagedByLabel, kube::kManagedBy);
  const auto listed = kube::list_pages(client, kube::list(kind, space, marked), kPage, deadline, visitor);
  if (listed || note_missing_right(listed.error(), facts)) return {};
  return std::unexpected(listed.error());
}

Status count_run_objects(kube::Client& client, kube::SteadyTime deadline, Facts& facts) {
  auto& objects = facts.run_objects;
  auto done = count(client, kube::kServices, {}, deadline, facts, objects.services);
  if (done) done = count(client, kube::kEndpointSlices, {}, deadline, facts, objects.endpoint_slices);
  if (done) done = count(client, kube::kDeployments, kWorldNamespace, deadline, facts, objects.deployments);
  if (done) done = count(client, kube::kPods, kWorldNamespace, deadline, facts, objects.pods);
  if (done) done = count(client, kube::kNamespaces, {}, deadline, facts, objects.namespaces);
  return done;
}

Status read_releases(kube::Client& client, Facts& facts) {
  auto releases = helm_releases(client, facts.inventory);
  if (releases) {
    facts.releases = std::move(*releases);
    return {};
  }
  return note_missing_right(releases.error(), facts) ? Status() : std::unexpected(releases.error());
}

}  // namespace

Result<Facts> read_facts(kube::Client& client, SystemTime now) {
  const auto deadline = client.default_deadline();
  Facts facts;
  auto inventory = take_inventory(client, deadline);
  if (!inventory) return std::unexpected(inventory.error());
  facts.inventory = std::move(*inventory);
  facts.not_seen = facts.inventory.not_seen;
  auto done = read_releases(client, facts);
  if (done) done = read_all_workloads(client, facts);
  if (done) done = read_nodes(client, deadline, facts);
  if (done) done = read_pods(client, deadline, facts);
  if (done) done = read_lease(client, kSystemNamespace, "conntruth-controller", now, facts, facts.controller_lease);
  if (done) done = read_lease(client, kWorldNamespace, "run", now, facts, facts.run_lease);
  if (done) done = count_run_objects(client, deadline, facts);
  if (!done) return std::unexpected(done.error());
  return facts;
}

}  // namespace conntruth::install
