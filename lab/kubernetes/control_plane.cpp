#include "lab/kubernetes/control_plane.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kube/base64.hpp"
#include "lab/kubernetes/proxy_choice.hpp"
#include "lab/topology/address_plan.hpp"

namespace conntruth::lab {

namespace {

using Json = nlohmann::ordered_json;

std::string joined(const std::vector<Prefix>& prefixes) {
  std::string text;
  for (const auto& prefix : prefixes) text += (text.empty() ? "" : ",") + prefix.to_string();
  return text;
}

Json texts(const std::vector<Prefix>& prefixes) {
  auto list = Json::array();
  for (const auto& prefix : prefixes) list.push_back(prefix.to_string());
  return list;
}

bool learns_zone_late(const LabSpec& spec, const std::string& node) {
  const auto choice = read_proxy_choice(proxy_of(spec, node));
  return choice && choice->is_kube_proxy();
}

}  // namespace

std::vector<IpAddress> api_addresses(const LabSpec& spec) {
  std::vector<IpAddress> addresses;
  for (const auto& prefix : fabric_prefixes(spec)) addresses.push_back(prefix.at(1));
  return addresses;
}

IpAddress api_service_address(const LabSpec& spec) { return plan_topology(spec).ranges.cluster_ips.front().at(1); }

std::string api_url(const LabSpec& spec) {
  const auto address = api_addresses(spec).front();
  const bool bracketed = address.family() == Family::kIpv6;
  return fmt::format("https://{}{}{}:{}", bracketed ? "[" : "", address.to_string(), bracketed ? "]" : "", kApiPort);
}

std::vector<IpAddress> certified_addresses(const LabSpec& spec) {
  auto addresses = api_addresses(spec);
  for (const auto& range : plan_topology(spec).ranges.cluster_ips) addresses.push_back(range.at(1));
  return addresses;
}

// The data lies in the fabric's own tmpfs and dies with it; nothing of it is worth a sync to disk.
std::vector<std::string> etcd_arguments() {
  return {"--name=lab",
          "--data-dir=/run/conntruth/etcd",
          "--unsafe-no-fsync",
          "--listen-client-urls=http://127.0.0.1:2379",
          "--advertise-client-urls=http://127.0.0.1:2379",
          "--listen-peer-urls=http://127.0.0.1:2380",
          "--initial-advertise-peer-urls=http://127.0.0.1:2380",
          "--initial-cluster=lab=http://127.0.0.1:2380",
          "--logger=zap",
          "--log-level=warn"};
}

// Without controller-manager nobody makes service accounts or takes the not-ready taint off: without two plug-ins then.
std::vector<std::string> apiserver_arguments(const LabSpec& spec, const std::string& directory) {
  const auto ranges = plan_topology(spec).ranges;
  std::vector<std::string> arguments{
      "--etcd-servers=http://127.0.0.1:2379",
      "--service-cluster-ip-range=" + joined(ranges.cluster_ips),
      fmt::format("--service-node-port-range={}-{}", ranges.node_port_first, ranges.node_port_last),
      fmt::format("--bind-address={}", spec.ipv6 ? "::" : "0.0.0.0"),
      fmt::format("--secure-port={}", kApiPort),
      "--advertise-address=" + api_addresses(spec).front().to_string(),
      "--tls-cert-file=" + directory + "/server.crt",
      "--tls-private-key-file=" + directory + "/server.key",
      "--token-auth-file=" + directory + "/tokens.csv",
      "--authorization-mode=Node,RBAC",
      "--service-account-issuer=https://kubernetes.default.svc",
      "--service-account-key-file=" + directory + "/server.crt",
      "--service-account-signing-key-file=" + directory + "/server.key",
      "--allow-privileged"};
  if (spec.kubernetes && spec.kubernetes->kubelets) {
    arguments.emplace_back("--kubelet-preferred-address-types=InternalIP");
  } else {
    arguments.emplace_back("--disable-admission-plugins=ServiceAccount,TaintNodesByCondition");
  }
  return arguments;
}

std::string token_file(const Tokens& tokens) {
  auto text = fmt::format("{},conntruth:admin,admin,system:masters\n", tokens.admin);
  for (unsigned node = 1; node <= tokens.nodes.size(); ++node) {
    text += fmt::format("{},system:kube-proxy,node-{}\n", tokens.nodes[node - 1], node);
  }
  for (unsigned node = 1; node <= tokens.kubelets.size(); ++node) {
    text += fmt::format("{},system:node:node-{},kubelet-{},system:nodes\n", tokens.kubelets[node - 1], node, node);
  }
  if (!tokens.controllers.empty()) {
    text += fmt::format("{},system:kube-controller-manager,controller-manager\n", tokens.controllers);
    text += fmt::format("{},system:kube-scheduler,scheduler\n", tokens.scheduler);
  }
  return text;
}

std::string kubeconfig(const LabSpec& spec, const kube::Identity& identity, const std::string& user,
                       const std::string& token) {
  Json document = {{"apiVersion", "v1"}, {"kind", "Config"}, {"current-context", spec.name}};
  const Json cluster = {{"server", api_url(spec)},
                        {"certificate-authority-data", kube::encode_base64(identity.certificate_pem)}};
  document["clusters"].push_back({{"name", spec.name}, {"cluster", cluster}});
  document["users"].push_back({{"name", user}, {"user", {{"token", token}}}});
  document["contexts"].push_back({{"name", spec.name}, {"context", {{"cluster", spec.name}, {"user", user}}}});
  return document.dump(2) + "\n";
}

std::string zone_patch(const LabSpec& spec, unsigned node) {
  const auto planned = plan_node(spec, node);
  if (planned.zone.empty() || !learns_zone_late(spec, planned.name)) return "";
  return Json{{"metadata", {{"labels", {{world::kZoneLabel, planned.zone}}}}}}.dump();
}

std::string node_object(const LabSpec& spec, unsigned node) {
  const auto planned = plan_nodes(spec).at(node - 1);
  auto labels = planned.labels;
  if (learns_zone_late(spec, planned.name)) labels.erase(std::string(world::kZoneLabel));
  Json document = {{"apiVersion", "v1"}, {"kind", "Node"}};
  document["metadata"] = {{"name", planned.name}, {"labels", labels}};
  document["spec"] = {{"podCIDR", planned.pod_cidrs.front().to_string()}, {"podCIDRs", texts(planned.pod_cidrs)}};
  if (spec.kubernetes && spec.kubernetes->kubelets) return document.dump();
  auto& status = document["status"];
  status["addresses"].push_back({{"type", "Hostname"}, {"address", planned.name}});
  for (const auto& address : planned.addresses) {
    status["addresses"].push_back({{"type", "InternalIP"}, {"address", address.to_string()}});
  }
  status["conditions"].push_back({{"type", "Ready"}, {"status", "True"}, {"reason", "LabNode"}});
  return document.dump();
}

}  // namespace conntruth::lab
