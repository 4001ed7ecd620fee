// uninstall_conntruth(): what runs have left, then the install itself.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "controller/app/cleanup_command.hpp"
#include "controller/app/install_command.hpp"
#include "controller/install/installer.hpp"
#include "controller/install/inventory.hpp"
#include "controller/install/permission.hpp"

namespace conntruth::app {
namespace {

using install::Object;

// What is removed, by kind: "Namespace 2, DaemonSet 3".
std::string counts_of(const std::vector<Object>& objects) {
  std::vector<std::string> words;
  for (const auto& kind : install::kinds()) {
    const auto count =
        std::ranges::count_if(objects, [&](const Object& each) { return each.kind->plural == kind.plural; });
    if (count > 0) words.push_back(fmt::format("{} {}", kind.kind, count));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

// A run that goes on ends with its controller, which takes out of the cluster what it made.
Status end_controller(kube::Client& client, const std::vector<Object>& objects, kube::SteadyTime deadline,
                      const install::Say& progress) {
  std::vector<Object> controller;
  std::ranges::copy_if(objects, std::back_inserter(controller),
                       [](const Object& each) { return each.kind->kind == "Deployment"; });
  const auto ended = install::remove_all(client, controller, deadline, progress);
  return ended ? Status() : std::unexpected(ended.error());
}

// What runs have left goes by their own rules; without their namespace there is nothing of them.
Status sweep(kube::Client& client, const std::string& where, const install::Inventory& inventory, bool force) {
  const auto* space = inventory.find(fmt::format("Namespace {}", install::kWorldNamespace));
  if (space == nullptr || space->going) return {};
  const auto swept = cleanup(client, where, force, false);
  if (!swept) return std::unexpected(swept.error());
  if (swept->services + swept->endpoint_slices > 0)
    fmt::print("{} Services and {} EndpointSlices of a run removed\n", swept->services, swept->endpoint_slices);
  return {};
}

// The inventory of what may be removed.
Result<install::Inventory> removable(kube::Client& client) {
  auto inventory = install::take_inventory(client, client.default_deadline());
  if (!inventory) return inventory;
  if (!inventory->not_seen.empty()) return fail(ErrorCode::kPermission, inventory->not_seen.front());
  const auto releases = install::helm_releases(client, *inventory);
  if (!releases) return std::unexpected(releases.error());
  if (!releases->empty())
    return fail(ErrorCode::kConflict, fmt::format("Helm has installed conntruth here, and only Helm can remove it: {}",
                                                  helm_removal(releases->front())));
  return inventory;
}

Status check_nothing_is_left(kube::Client& client, const std::string& where) {
  const auto left = install::take_inventory(client, client.default_deadline());
  if (!left) return std::unexpected(left.error());
  if (!left->objects.empty())
    return fail(ErrorCode::kConflict, fmt::format("somebody has made it anew meanwhile: {} in {}; once more removes it",
                                                  left->objects.front().object.title(), where));
  const auto space = client.call(kube::get(kube::kNamespaces, {}, install::kSystemNamespace));
  if (space)
    fmt::print("the namespace {0} stays, as the install did not make it: kubectl delete namespace {0}\n",
               install::kSystemNamespace);
  return {};
}

}  // namespace

Status uninstall_conntruth(const UninstallRequest& request) {
  const auto cluster = open_cluster(request.cluster, {});
  if (!cluster) return std::unexpected(cluster.error());
  auto& client = *cluster->client;
  if (auto may = install::check_removal_rights(client); !may) return may;
  const auto inventory = removable(client);
  if (!inventory) return std::unexpected(inventory.error());
  const auto objects = inventory->plain();
  if (objects.empty()) {
    fmt::print("nothing of conntruth is installed in {}\n", cluster->where);
    return {};
  }
  const auto progress = [&](const std::string& line) {
    if (!request.quiet) fmt::print(stderr, "conntruth: {}\n", line);
  };
  const auto deadline = client.deadline_in(request.timeout);
  if (request.force) {
    if (auto ended = end_controller(client, objects, deadline, progress); !ended) return ended;
  }
  if (auto swept = sweep(client, cluster->where, *inventory, request.force); !swept) return swept;
  progress(fmt::format("removing {} objects from {}", objects.size(), cluster->where));
  const auto removed = install::remove_all(client, objects, deadline, progress);
  if (!removed) return std::unexpected(removed.error());
  if (auto gone = check_nothing_is_left(client, cluster->where); !gone) return gone;
  fmt::print("removed {} objects: {}; nothing of conntruth is left in {}\n", objects.size(), counts_of(objects),
             cluster->where);
  return {};
}

}  // namespace conntruth::app
