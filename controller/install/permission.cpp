#include "controller/install/permission.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace conntruth::install {
namespace {

using Json = nlohmann::ordered_json;
using cluster::Right;

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr kube::Resource kWhoAmI{"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false};

// "patch, create daemonsets.apps in conntruth-system"
std::string words_of(const Right& right) {
  auto text = fmt::format("{} {}", fmt::join(right.verbs, ", "), right.resource);
  if (!right.group.empty()) text += "." + right.group;
  if (!right.name.empty()) text += " " + right.name;
  if (!right.namespace_name.empty()) text += " in " + right.namespace_name;
  return text;
}

std::vector<Right> rights_of_rule(const Json& rule, const std::string& namespace_name) {
  std::vector<Right> result;
  const auto verbs = rule.at("verbs").get<std::vector<std::string>>();
  for (const auto& group : rule.at("apiGroups")) {
    for (const auto& resource : rule.at("resources")) {
      for (const auto& name : rule.value("resourceNames", Json::array({""})))
        result.push_back({group, resource, verbs, namespace_name, name});
    }
  }
  return result;
}

// Whose credentials we have; servers before 1.28 do not tell.
std::string who_we_are(kube::Client& client) {
  const Json review = {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}};
  auto request = kube::create(kWhoAmI, {}, {}, review.dump());
  request.repeatable = true;  // it makes nothing
  const auto answer = client.call(request);
  const auto json = answer ? Json::parse(answer->body, nullptr, false) : Json();
  const Json::json_pointer name("/status/userInfo/username");
  return json.is_object() && json.contains(name) ? json[name].get<std::string>() : "USER";
}

Status check(kube::Client& client, const std::vector<Right>& rights, const std::string& what) {
  const auto missing = cluster::missing_rights(client, rights);
  if (!missing) return std::unexpected(missing.error());
  if (missing->empty()) return {};
  std::vector<std::string> words;
  for (const auto& right : *missing) words.push_back(words_of(right));
  const auto user = who_we_are(client);
  return fail(
      ErrorCode::kPermission,
      fmt::format("{} may not do all that {} needs, so nothing was done; missing: {}\nThis grants it, applied by "
                  "somebody who may:\n{}",
                  user, what, fmt::join(words, "; "), granting_yaml("conntruth-" + what, user, *missing)));
}

// On every kind that is looked for, in all namespaces.
std::vector<Right> rights_on_kinds(const std::vector<std::string>& verbs) {
  std::vector<Right> result;
  for (const auto& kind : kinds()) {
    if (is_looked_for(kind)) result.push_back({std::string(kind.group), std::string(kind.plural), verbs, "", ""});
  }
  return result;
}

}  // namespace

std::vector<Right> rights_on(const std::vector<Object>& objects, const std::vector<std::string>& verbs) {
  std::vector<Right> result;
  std::set<std::pair<const kube::Resource*, std::string>> seen;
  for (const auto& object : objects) {
    if (!seen.emplace(object.kind, object.namespace_name).second) continue;
    result.push_back(
        {std::string(object.kind->group), std::string(object.kind->plural), verbs, object.namespace_name, ""});
  }
  return result;
}

Result<std::vector<Right>> rights_given_by(const std::vector<Object>& objects) {
  std::vector<Right> result;
  for (const auto& object : objects) {
    if (object.kind->kind != "Role" && object.kind->kind != "ClusterRole") continue;
    try {
      const auto role = Json::parse(object.json);
      for (const auto& rule : role.at("rules")) {
        const auto rights = rights_of_rule(rule, object.namespace_name);
        result.insert(result.end(), rights.begin(), rights.end());
      }
    } catch (const Json::exception& error) {
      return fail(ErrorCode::kInternal, fmt::format("{}: its rules cannot be read: {}", object.title(), error.what()));
    }
  }
  return result;
}

Status check_install_rights(kube::Client& client, const std::vector<Object>& objects) {
  auto rights = rights_on(objects, {"get", "create", "patch", "delete"});
  const auto seen = rights_on_kinds({"list"});
  rights.insert(rights.end(), seen.begin(), seen.end());
  rights.push_back({"", "pods", {"list"}, std::string(kSystemNamespace), ""});
  std::vector<Right> beyond;
  for (const auto* roles : {"roles", "clusterroles"})
    beyond.push_back({std::string(kRbac), roles, {"escalate", "bind"}, "", ""});
  const auto lacking = cluster::missing_rights(client, beyond);
  if (!lacking) return std::unexpected(lacking.error());
  if (!lacking->empty()) {
    const auto given = rights_given_by(objects);
    if (!given) return std::unexpected(given.error());
    rights.insert(rights.end(), given->begin(), given->end());
  }
  return check(client, rights, "install");
}

Status check_removal_rights(kube::Client& client) {
  auto rights = rights_on_kinds({"get", "list", "delete"});
  const std::string worlds(kWorldNamespace);
  const std::vector<Right> of_runs = {
      {"", "services", {"list", "deletecollection"}, "", ""},
      {"discovery.k8s.io", "endpointslices", {"list", "deletecollection"}, "", ""},
      {"apps", "deployments", {"deletecollection"}, worlds, ""},
      {"", "pods", {"list", "deletecollection"}, worlds, ""},
      {"coordination.k8s.io", "leases", {"get", "create", "update", "delete"}, worlds, ""}};
  rights.insert(rights.end(), of_runs.begin(), of_runs.end());
  return check(client, rights, "uninstall");
}

std::string granting_yaml(const std::string& name, const std::string& user, const std::vector<Right>& rights) {
  // The same verbs on several resources of a group are one rule; namespaces are left out, as they may not be there yet.
  std::map<std::tuple<std::string, std::vector<std::string>, std::string>, std::set<std::string>> rules;
  for (const auto& right : rights) rules[{right.group, right.verbs, right.name}].insert(right.resource);
  auto text = fmt::format(
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {}}}\nrules:\n", name);
  for (const auto& [key, resources] : rules) {
    const auto& [group, verbs, object] = key;
    text += fmt::format("  - {{apiGroups: [\"{}\"], resources: [{}], verbs: [{}]", group, fmt::join(resources, ", "),
                        fmt::join(verbs, ", "));
    text += object.empty() ? "}\n" : fmt::format(", resourceNames: [{}]}}\n", object);
  }
  return text + fmt::format(
                    "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: {0}}}\n"
                    "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {0}}}\nsubjects: "
                    "[{{apiGroup: rbac.authorization.k8s.io, kind: User, name: \"{1}\"}}]",
                    name, user);
}

}  // namespace conntruth::install
