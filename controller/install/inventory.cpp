#include "controller/install/inventory.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "controller/kube/world_writer.hpp"
#include "kube/listing.hpp"

namespace conntruth::install {
namespace {

using Json = nlohmann::json;

constexpr std::uint32_t kPage = 500;

std::string text_at(const Json& object, const char* section, std::string_view key) {
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->contains(section)) return {};
  const auto& found = metadata->at(section);
  return found.is_object() ? found.value(std::string(key), "") : "";
}

bool is_ours(const Found& found) {
  if (found.managed_by == kube::kManagedBy) return false;
  return found.object.kind->kind != "Namespace" || found.object.name == kSystemNamespace ||
         found.object.name == kWorldNamespace;
}

// Items of a list do not say their kind.
Result<Found> read(const kube::Resource& kind, std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  try {
    const auto& metadata = json.at("metadata");
    return Found{
        {&kind, metadata.value("namespace", ""), metadata.at("name").get<std::string>(), std::string(text), false},
        text_at(json, "labels", kube::kManagedByLabel),
        text_at(json, "annotations", "meta.helm.sh/release-name"),
        text_at(json, "annotations", "meta.helm.sh/release-namespace"),
        metadata.contains("deletionTimestamp")};
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kInvalidInput,
                fmt::format("{}: an object that cannot be read: {}", kind.plural, error.what()));
  }
}

Status add(kube::Client& client, const kube::Resource& kind, kube::SteadyTime deadline, Inventory& into) {
  std::vector<Found> found;
  Status problem;
  const kube::ListVisitor visitor{[&] { found.clear(); },
                                  [&](const kube::ObjectMeta& /*unused*/, std::string_view object) {
                                    auto one = read(kind, object);
                                    if (!one) problem = std::unexpected(one.error());
                                    if (one && is_ours(*one)) found.push_back(std::move(*one));
                                  }};
  const auto listed = kube::list_pages(client, kube::list(kind, {}, kInstallLabel), kPage, deadline, visitor);
  if (!listed && listed.error().code == ErrorCode::kNotFound) return {};
  if (!listed && listed.error().code == ErrorCode::kPermission) {
    into.not_seen.push_back(listed.error().message);
    return {};
  }
  if (!listed) return std::unexpected(listed.error());
  std::ranges::move(found, std::back_inserter(into.objects));
  return problem;
}

}  // namespace

const Found* Inventory::find(std::string_view title) const {
  const auto found = std::ranges::find(objects, title, [](const Found& each) { return each.object.title(); });
  return found == objects.end() ? nullptr : &*found;
}

std::vector<Object> Inventory::plain() const {
  std::vector<Object> result;
  result.reserve(objects.size());
  for (const auto& each : objects) result.push_back(each.object);
  return result;
}

Result<Inventory> take_inventory(kube::Client& client, kube::SteadyTime deadline) {
  Inventory inventory;
  for (const auto& kind : kinds()) {
    if (!is_looked_for(kind)) continue;
    if (auto added = add(client, kind, deadline, inventory); !added) return std::unexpected(added.error());
  }
  return inventory;
}

Result<std::vector<HelmRelease>> helm_releases(kube::Client& client, const Inventory& inventory) {
  std::set<std::pair<std::string, std::string>> named;
  for (const auto& each : inventory.objects) {
    if (each.managed_by == "Helm" && !each.release.empty()) named.emplace(each.release, each.release_namespace);
  }
  std::vector<HelmRelease> result;
  for (const auto& [name, space] : named) {
    const auto answer = client.call(kube::list(kube::kSecrets, space, fmt::format("owner=helm,name={}", name)));
    if (!answer) return std::unexpected(answer.error());
    const auto list = Json::parse(answer->body, nullptr, false);
    if (list.is_object() && !list.value("items", Json::array()).empty()) result.push_back({name, space});
  }
  return result;
}

std::string helm_removal(const HelmRelease& release) {
  return fmt::format("helm uninstall {0} --namespace {1} --wait && kubectl delete namespace {1}", release.name,
                     release.namespace_name);
}

}  // namespace conntruth::install
