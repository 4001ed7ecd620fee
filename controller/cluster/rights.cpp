#include "controller/cluster/rights.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace conntruth::cluster {
namespace {

using Json = nlohmann::json;

constexpr kube::Resource kReviews{"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview",
                                  false};

kube::Request question(const Right& right, const std::string& verb) {
  const auto slash = right.resource.find('/');
  Json attributes = {{"verb", verb}, {"group", right.group}, {"resource", right.resource.substr(0, slash)}};
  if (slash != std::string::npos) attributes["subresource"] = right.resource.substr(slash + 1);
  if (!right.namespace_name.empty()) attributes["namespace"] = right.namespace_name;
  if (!right.name.empty()) attributes["name"] = right.name;
  const Json review = {{"apiVersion", "authorization.k8s.io/v1"},
                       {"kind", "SelfSubjectAccessReview"},
                       {"spec", {{"resourceAttributes", attributes}}}};
  auto request = kube::create(kReviews, {}, {}, review.dump());
  request.repeatable = true;  // it makes nothing
  return request;
}

bool allowed(const kube::Response& answer) {
  const auto json = Json::parse(answer.body, nullptr, false);
  const auto status = json.find("status");
  return status != json.end() && status->is_object() && status->value("allowed", false);
}

std::string rule(const Right& right) {
  auto text = fmt::format("{{apiGroups: [\"{}\"], resources: [{}], verbs: [{}]", right.group, right.resource,
                          fmt::join(right.verbs, ", "));
  if (!right.name.empty()) text += fmt::format(", resourceNames: [{}]", right.name);
  text += '}';
  if (!right.namespace_name.empty()) text += fmt::format(" in namespace {}", right.namespace_name);
  return text;
}

}  // namespace

std::vector<Right> rights_of_a_reading(const std::string& system_namespace, bool ranges, bool admission) {
  std::vector<Right> rights = {
      {"", "nodes", {"list"}, "", ""},
      {"", "services", {"list"}, "", ""},
      {"discovery.k8s.io", "endpointslices", {"list"}, "", ""},
      {"", "namespaces", {"list"}, "", ""},
      {"coordination.k8s.io", "leases", {"create"}, system_namespace, ""},
      {"coordination.k8s.io", "leases", {"get", "update", "delete"}, system_namespace, "conntruth-controller"},
      {"", "pods", {"list"}, system_namespace, ""}};
  if (ranges) rights.push_back({"networking.k8s.io", "servicecidrs", {"list"}, "", ""});
  if (admission) rights.push_back({"authentication.k8s.io", "tokenreviews", {"create"}, "", ""});
  return rights;
}

std::vector<Right> rights_of_a_run(const std::string& system_namespace, bool ranges, bool admission) {
  auto rights = rights_of_a_reading(system_namespace, ranges, admission);
  const std::vector<Right> written = {
      {"", "services", {"get", "create", "update", "delete", "deletecollection"}, "conntruth", ""},
      {"", "services/status", {"patch"}, "conntruth", ""},
      {"discovery.k8s.io",
       "endpointslices",
       {"get", "create", "update", "delete", "deletecollection"},
       "conntruth",
       ""},
      {"coordination.k8s.io", "leases", {"create"}, "conntruth", ""},
      {"coordination.k8s.io", "leases", {"get", "update", "delete"}, "conntruth", "run"},
      // Of runs that left Deployments behind.
      {"apps", "deployments", {"list", "deletecollection"}, "conntruth", ""},
      {"", "pods", {"list", "deletecollection"}, "conntruth", ""}};
  rights.insert(rights.end(), written.begin(), written.end());
  return rights;
}

std::vector<Right> rights_of_workloads(const std::string& system_namespace) {
  return {{"apps", "deployments", {"get"}, system_namespace, "conntruth-controller"},
          {"apps", "deployments", {"create", "patch", "watch"}, "conntruth", ""},
          {"", "pods", {"watch"}, "conntruth", ""},
          {"", "pods/status", {"patch"}, "conntruth", ""},
          {"discovery.k8s.io", "endpointslices", {"watch"}, "conntruth", ""}};
}

Result<std::vector<Right>> missing_rights(kube::Client& client, const std::vector<Right>& rights) {
  std::vector<kube::Request> requests;
  for (const auto& right : rights) {
    for (const auto& verb : right.verbs) requests.push_back(question(right, verb));
  }
  const auto answers = client.batch(requests, client.default_deadline());
  std::vector<Right> result;
  auto answer = answers.begin();
  for (const auto& right : rights) {
    std::vector<std::string> missing;
    for (const auto& verb : right.verbs) {
      if (!*answer) return std::unexpected(answer->error().in("ask for our rights"));
      if (!allowed(**answer)) missing.push_back(verb);
      ++answer;
    }
    if (missing.empty()) continue;
    result.push_back(right);
    result.back().verbs = std::move(missing);
  }
  return result;
}

Status check_rights(kube::Client& client, const std::vector<Right>& rights) {
  const auto missing = missing_rights(client, rights);
  if (!missing) return std::unexpected(missing.error());
  if (missing->empty()) return {};
  std::vector<std::string> rules;
  for (const auto& right : *missing) rules.push_back(rule(right));
  return fail(
      ErrorCode::kPermission,
      fmt::format("the controller's account may not do all that a run needs; grant it: {}", fmt::join(rules, "; ")));
}

}  // namespace conntruth::cluster
