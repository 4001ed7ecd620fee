#include "controller/install/installer.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace conntruth::install {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::milliseconds kBetweenLooks{250};
constexpr std::chrono::seconds kTakeBackWithin{120};

Result<std::optional<std::string>> read(kube::Client& client, const Object& object) {
  const auto answer = client.call(kube::get(*object.kind, object.namespace_name, object.name));
  if (answer) return answer->body;
  if (answer.error().code == ErrorCode::kNotFound) return std::nullopt;
  return std::unexpected(answer.error());
}

Status check_stays(const Object& object, const std::string& there) {
  const auto json = Json::parse(there, nullptr, false);
  if (!json.contains(Json::json_pointer("/metadata/deletionTimestamp"))) return {};
  return fail(ErrorCode::kConflict,
              fmt::format("{} is still being deleted; try again once it is gone", object.title()));
}

Result<Outcome> apply_one(kube::Client& client, const Object& object) {
  const auto found = read(client, object);
  if (!found) return std::unexpected(found.error());
  const std::optional<std::string>& before = *found;
  if (before) {
    if (auto stays = check_stays(object, *before); !stays) return std::unexpected(stays.error());
    if (object.keep) return Outcome::kUnchanged;
  }
  const auto after = client.call(kube::apply(*object.kind, object.namespace_name, object.name, object.json));
  if (!after) return std::unexpected(after.error());
  if (!before) return Outcome::kCreated;
  return same_content(*before, after->body) ? Outcome::kUnchanged : Outcome::kChanged;
}

// What an error of the one that failed is followed by.
std::string take_back(kube::Client& client, const std::vector<Applied>& applied, const Say& say) {
  std::vector<Object> made;
  std::vector<std::string> changed;
  for (const auto& each : applied) {
    if (each.outcome == Outcome::kCreated) made.push_back(each.object);
    if (each.outcome == Outcome::kChanged) changed.push_back(each.object.title());
  }
  std::string text;
  if (!made.empty()) {
    say(fmt::format("taking back the {} objects that were made", made.size()));
    const auto removed = remove_all(client, made, client.deadline_in(kTakeBackWithin), say);
    text = removed ? fmt::format("the {} objects that were made before it are removed again", made.size())
                   : fmt::format(
                         "what was made before it could not all be removed ({}); `kubectl conntruth uninstall` does it",
                         removed.error().message);
  }
  if (!changed.empty())
    text += fmt::format("{}changed before it and left so: {}", text.empty() ? "" : "; ", fmt::join(changed, ", "));
  return text.empty() ? "nothing was changed before it" : text;
}

Json content_of(const std::string& text) {
  auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return json;
  json.erase("status");
  if (const auto metadata = json.find("metadata"); metadata != json.end()) {
    for (const auto* counted : {"managedFields", "resourceVersion", "generation"}) metadata->erase(counted);
  }
  return json;
}

kube::Request removal_of(const Object& object) {
  auto request = kube::remove(*object.kind, object.namespace_name, object.name);
  // What has pods is there until they are gone.
  request.query.emplace_back("propagationPolicy", object.kind->group == "apps" ? "Foreground" : "Background");
  return request;
}

std::string names_of(const std::vector<Object>& objects) {
  constexpr std::size_t kNamed = 5;
  std::vector<std::string> titles;
  for (const auto& object : objects) {
    if (titles.size() < kNamed) titles.push_back(object.title());
  }
  return fmt::format("{}{}", fmt::join(titles, ", "), objects.size() > kNamed ? " and more" : "");
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kCreated:
      return "created";
    case Outcome::kChanged:
      return "changed";
    case Outcome::kUnchanged:
      return "unchanged";
  }
  return "?";
}

bool same_content(const std::string& before, const std::string& after) {
  return content_of(before) == content_of(after);
}

Result<std::vector<Applied>> apply_all(kube::Client& client, const std::vector<Object>& objects, const Say& say) {
  std::vector<Applied> applied;
  for (const auto& object : objects) {
    const auto outcome = apply_one(client, object);
    if (!outcome) {
      auto error = outcome.error();
      error.message += "; " + take_back(client, applied, say);
      return std::unexpected(error.in(object.title()));
    }
    applied.push_back({object, *outcome});
  }
  return applied;
}

Result<std::size_t> remove_all(kube::Client& client, const std::vector<Object>& objects, kube::SteadyTime deadline,
                               const Say& say) {
  std::vector<Object> left;
  // Backwards: pods go before the accounts and rights that they run with, namespaces last.
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) {
    const auto answer = client.call(removal_of(*object));
    if (answer) left.push_back(*object);
    if (!answer && answer.error().code != ErrorCode::kNotFound) return std::unexpected(answer.error());
  }
  const auto there = left.size();
  std::string said;
  while (true) {
    std::vector<Object> still;
    for (const auto& object : left) {
      const auto found = read(client, object);
      if (!found) return std::unexpected(found.error());
      if (*found) still.push_back(object);
    }
    left = std::move(still);
    if (left.empty()) return there;
    const auto names = names_of(left);
    if (names != said) say("waiting for the end of " + names);
    said = names;
    if (client.deadline_in(kBetweenLooks) > deadline || !client.wait(kBetweenLooks, {}))
      return fail(ErrorCode::kUnavailable,
                  fmt::format("still there: {}; `kubectl get ... -o yaml` shows what holds it", names));
  }
}

}  // namespace conntruth::install
