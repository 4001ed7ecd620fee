#include "lab/kubernetes/cluster_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lab/topology/address_plan.hpp"

namespace conntruth::lab {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSystem = "kube-system";
constexpr const char* kDnsImage = "conntruth.lab/coredns:lab";

std::string joined(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (const auto& prefix : prefixes) text += (text.empty() ? "" : ",") + prefix.to_string();
  return text;
}

Json object(const char* version, const char* kind, const char* name, bool in_system) {
  Json document = {{"apiVersion", version}, {"kind", kind}, {"metadata", {{"name", name}}}};
  if (in_system) document["metadata"]["namespace"] = kSystem;
  return document;
}

Json dns_role() {
  auto role = object("rbac.authorization.k8s.io/v1", "ClusterRole", "system:coredns", false);
  const Json verbs = {"list", "watch"};
  role["rules"].push_back(
      {{"apiGroups", {""}}, {"resources", {"services", "pods", "namespaces", "nodes"}}, {"verbs", verbs}});
  role["rules"].push_back({{"apiGroups", {"discovery.k8s.io"}}, {"resources", {"endpointslices"}}, {"verbs", verbs}});
  return role;
}

Json dns_binding() {
  auto binding = object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "system:coredns", false);
  binding["roleRef"] = {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", "system:coredns"}};
  binding["subjects"].push_back({{"kind", "ServiceAccount"}, {"name", "coredns"}, {"namespace", kSystem}});
  return binding;
}

// Nobody to forward to: a lab has no outside. Answers are kept for so short that a test sees a change.
Json dns_settings() {
  auto settings = object("v1", "ConfigMap", "coredns", true);
  settings["data"]["Corefile"] = fmt::format(
      ".:53 {{\n    errors\n    health\n    ready\n    kubernetes {} in-addr.arpa ip6.arpa {{\n        ttl 1\n    }}\n"
      "    prometheus :9153\n    cache 1\n    loadbalance\n}}\n",
      kClusterDomain);
  return settings;
}

Json dns_container() {
  Json container = {{"name", "coredns"},
                    {"image", kDnsImage},
                    {"imagePullPolicy", "Never"},
                    {"args", {"-conf", "/etc/coredns/Corefile"}}};
  container["ports"] = {{{"name", "dns"}, {"containerPort", 53}, {"protocol", "UDP"}},
                        {{"name", "dns-tcp"}, {"containerPort", 53}, {"protocol", "TCP"}}};
  container["volumeMounts"] = {{{"name", "config"}, {"mountPath", "/etc/coredns"}, {"readOnly", true}}};
  container["readinessProbe"] = {{"httpGet", {{"path", "/ready"}, {"port", 8181}}}, {"periodSeconds", 1}};
  container["securityContext"] = {{"allowPrivilegeEscalation", false},
                                  {"readOnlyRootFilesystem", true},
                                  {"capabilities", {{"add", {"NET_BIND_SERVICE"}}, {"drop", {"ALL"}}}}};
  return container;
}

Json dns_deployment(const LabSpec& spec) {
  const Json labels = {{"k8s-app", "kube-dns"}};
  auto deployment = object("apps/v1", "Deployment", "coredns", true);
  auto& details = deployment["spec"];
  details["replicas"] = std::min(spec.nodes, 2U);
  details["selector"] = {{"matchLabels", labels}};
  auto& pod = details["template"];
  pod["metadata"] = {{"labels", labels}};
  pod["spec"] = {{"serviceAccountName", "coredns"},
                 {"dnsPolicy", "Default"},
                 {"terminationGracePeriodSeconds", 1},
                 {"containers", Json::array({dns_container()})},
                 {"volumes", Json::array({{{"name", "config"}, {"configMap", {{"name", "coredns"}}}}})}};
  pod["spec"]["topologySpreadConstraints"].push_back({{"maxSkew", 1},
                                                      {"topologyKey", "kubernetes.io/hostname"},
                                                      {"whenUnsatisfiable", "ScheduleAnyway"},
                                                      {"labelSelector", {{"matchLabels", labels}}}});
  return deployment;
}

Json dns_service(const LabSpec& spec) {
  auto service = object("v1", "Service", "kube-dns", true);
  service["spec"] = {{"clusterIP", dns_address(spec).to_string()}, {"selector", {{"k8s-app", "kube-dns"}}}};
  service["spec"]["ports"] = {{{"name", "dns"}, {"port", 53}, {"protocol", "UDP"}},
                              {{"name", "dns-tcp"}, {"port", 53}, {"protocol", "TCP"}}};
  return service;
}

}  // namespace

std::vector<std::string> controller_manager_arguments(const LabSpec& spec, const std::string& directory) {
  return {"--kubeconfig=" + directory + "/controller-manager.kubeconfig",
          "--bind-address=127.0.0.1",
          "--leader-elect=false",
          "--use-service-account-credentials",
          "--service-account-private-key-file=" + directory + "/server.key",
          "--root-ca-file=" + directory + "/server.crt",
          "--allocate-node-cidrs=false",
          "--cluster-cidr=" + joined(cluster_pod_prefixes(spec)),
          "--service-cluster-ip-range=" + joined(plan_topology(spec).ranges.cluster_ips)};
}

std::vector<std::string> scheduler_arguments(const std::string& directory) {
  return {"--kubeconfig=" + directory + "/scheduler.kubeconfig", "--bind-address=127.0.0.1", "--leader-elect=false"};
}

IpAddress dns_address(const LabSpec& spec) { return plan_topology(spec).dns.servers.front(); }

std::vector<ApiObject> dns_objects(const LabSpec& spec) {
  const std::string system = fmt::format("/api/v1/namespaces/{}", kSystem);
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1";
  return {{system + "/serviceaccounts", object("v1", "ServiceAccount", "coredns", true).dump()},
          {rbac + "/clusterroles", dns_role().dump()},
          {rbac + "/clusterrolebindings", dns_binding().dump()},
          {system + "/configmaps", dns_settings().dump()},
          {system + "/services", dns_service(spec).dump()},
          {fmt::format("/apis/apps/v1/namespaces/{}/deployments", kSystem), dns_deployment(spec).dump()}};
}

bool is_available(std::string_view deployment) {
  const auto document = Json::parse(deployment, nullptr, false);
  const auto number = [&](const char* path) {
    const Json::json_pointer pointer(path);
    return document.is_object() && document.contains(pointer) && document[pointer].is_number_unsigned()
               ? document[pointer].get<unsigned>()
               : 0U;
  };
  return number("/spec/replicas") > 0 && number("/status/availableReplicas") >= number("/spec/replicas");
}

bool is_ready_node(std::string_view node) {
  const auto document = Json::parse(node, nullptr, false);
  const Json::json_pointer conditions("/status/conditions");
  if (!document.is_object() || !document.contains(conditions)) return false;
  return std::ranges::any_of(document[conditions], [](const Json& condition) {
    return condition.is_object() && condition.value("type", "") == "Ready" && condition.value("status", "") == "True";
  });
}

}  // namespace conntruth::lab
