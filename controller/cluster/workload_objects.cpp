#include "controller/cluster/workload_objects.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <set>

#include "controller/kube/world_writer.hpp"

namespace conntruth::cluster {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kGraceBeyondLinger{5};

// Container states that waiting does not end.
const std::set<std::string_view> kHopeless = {"ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError"};

Json labels_of(const Workload& workload) {
  return {{std::string(kube::kManagedByLabel), kube::kManagedBy}, {std::string(kWorkloadLabel), workload.name}};
}

Json metadata_of(const std::string& name, const Workload& workload) {
  return {{"name", name}, {"namespace", "conntruth"}, {"labels", labels_of(workload)}};
}

Json container_of(const Workload& workload, const PodImage& image) {
  Json container = {
      {"name", "anchor"},
      {"image", image.image},
      {"command", {"conntruth-anchor"}},
      {"args", {"workload", "--linger", std::to_string(workload.linger.count())}},
      {"ports",
       {{{"name", "tcp"}, {"containerPort", workload.port}, {"protocol", "TCP"}},
        {{"name", "udp"}, {"containerPort", workload.port}, {"protocol", "UDP"}}}},
      {"securityContext",
       {{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", {{"drop", {"ALL"}}}}}},
      {"resources", {{"requests", {{"cpu", "1m"}, {"memory", "4Mi"}}}, {"limits", {{"memory", "16Mi"}}}}}};
  if (!image.pull_policy.empty()) container["imagePullPolicy"] = image.pull_policy;
  return container;
}

// One on each node before there are two on any; each revision by itself.
Json spread_of(const Workload& workload) {
  return {{{"maxSkew", 1},
           {"topologyKey", "kubernetes.io/hostname"},
           {"whenUnsatisfiable", "DoNotSchedule"},
           {"labelSelector", {{"matchLabels", {{std::string(kWorkloadLabel), workload.name}}}}},
           {"matchLabelKeys", {"pod-template-hash"}}}};
}

Json on_hosts(const std::vector<std::string>& hosts) {
  const Json term = {
      {"matchExpressions", {{{"key", "kubernetes.io/hostname"}, {"operator", "In"}, {"values", hosts}}}}};
  return {{"nodeAffinity", {{"requiredDuringSchedulingIgnoredDuringExecution", {{"nodeSelectorTerms", {term}}}}}}};
}

Json pod_of(const Workload& workload, const PodImage& image, const std::vector<std::string>& hosts) {
  Json spec = {{"automountServiceAccountToken", false},
               {"enableServiceLinks", false},
               {"terminationGracePeriodSeconds", (workload.linger + kGraceBeyondLinger).count()},
               {"nodeSelector", {{"kubernetes.io/os", "linux"}}},
               {"affinity", on_hosts(hosts)},
               {"tolerations", {{{"operator", "Exists"}, {"effect", "NoSchedule"}}}},
               {"topologySpreadConstraints", spread_of(workload)},
               {"securityContext",
                {{"runAsNonRoot", true},
                 {"runAsUser", 65532},
                 {"runAsGroup", 65532},
                 {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
               {"readinessGates", {{{"conditionType", kReadinessGate}}}},
               {"containers", {container_of(workload, image)}}};
  for (const auto& name : image.pull_secrets) spec["imagePullSecrets"].push_back({{"name", name}});
  return spec;
}

const Json* at(const Json& object, std::initializer_list<const char*> path) {
  const auto* here = &object;
  for (const auto* key : path) {
    const auto found = here->find(key);
    if (found == here->end()) return nullptr;
    here = &*found;
  }
  return here;
}

Json list_at(const Json& object, std::initializer_list<const char*> path) {
  const auto* found = at(object, path);
  return found != nullptr && found->is_array() ? *found : Json::array();
}

std::string words_of(const Json& state) {
  const auto reason = state.value("reason", "");
  const auto message = state.value("message", "");
  return reason + (reason.empty() || message.empty() ? "" : ": ") + message;
}

void read_containers(const Json& object, WorkloadPod& pod) {
  for (const auto& status : list_at(object, {"status", "containerStatuses"})) {
    const auto* waiting = at(status, {"state", "waiting"});
    if (waiting == nullptr) continue;
    const auto reason = waiting->value("reason", "");
    if (reason == "ContainerCreating" || reason == "PodInitializing") continue;
    pod.trouble = words_of(*waiting);
    pod.hopeless = kHopeless.contains(reason);
  }
}

void read_conditions(const Json& object, WorkloadPod& pod) {
  for (const auto& condition : list_at(object, {"status", "conditions"})) {
    const auto type = condition.value("type", "");
    const bool holds = condition.value("status", "") == "True";
    if (type == "Ready") pod.ready = holds;
    if (type == "PodScheduled" && !holds) pod.trouble = words_of(condition);
  }
}

}  // namespace

Result<PodImage> image_of(std::string_view deployment) {
  const auto object = Json::parse(deployment, nullptr, false);
  const auto containers = list_at(object, {"spec", "template", "spec", "containers"});
  if (containers.empty() || !containers[0].contains("image"))
    return fail(ErrorCode::kInvalidInput, "the controller's own Deployment names no image");
  PodImage image{containers[0].value("image", ""), containers[0].value("imagePullPolicy", ""), {}};
  for (const auto& secret : list_at(object, {"spec", "template", "spec", "imagePullSecrets"}))
    image.pull_secrets.push_back(secret.value("name", ""));
  return image;
}

std::string deployment_body(const Workload& workload, const PodImage& image, const std::vector<std::string>& hosts) {
  const Json object = {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", metadata_of(workload.name, workload)},
      {"spec",
       {{"replicas", workload.replicas},
        {"revisionHistoryLimit", 0},
        {"selector", {{"matchLabels", {{std::string(kWorkloadLabel), workload.name}}}}},
        {"strategy", {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxSurge", 1}, {"maxUnavailable", 0}}}}},
        {"template", {{"metadata", {{"labels", labels_of(workload)}}}, {"spec", pod_of(workload, image, hosts)}}}}}};
  return object.dump();
}

std::string service_body(const Workload& workload, const WorkloadService& service) {
  Json spec = {{"type", service.node_ports ? "NodePort" : "ClusterIP"},
               {"selector", {{std::string(kWorkloadLabel), workload.name}}},
               {"ipFamilyPolicy", "PreferDualStack"},
               {"publishNotReadyAddresses", service.publish_not_ready},
               {"internalTrafficPolicy", service.local ? "Local" : "Cluster"},
               {"ports",
                {{{"name", "tcp"}, {"protocol", "TCP"}, {"port", 80}, {"targetPort", "tcp"}},
                 {{"name", "udp"}, {"protocol", "UDP"}, {"port", 80}, {"targetPort", "udp"}}}}};
  if (service.node_ports) spec["externalTrafficPolicy"] = service.local ? "Local" : "Cluster";
  return Json{
      {"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", metadata_of(service.name, workload)}, {"spec", spec}}
      .dump();
}

std::string readiness_body(bool ready) {
  const Json condition = {{"type", kReadinessGate}, {"status", ready ? "True" : "False"}};
  return Json{{"status", {{"conditions", {condition}}}}}.dump();
}

Result<WorkloadPod> read_workload_pod(std::string_view text) {
  const auto object = Json::parse(text, nullptr, false);
  WorkloadPod pod;
  try {
    const auto& metadata = object.at("metadata");
    pod.name = metadata.at("name");
    pod.workload = metadata.at("labels").value(std::string(kWorkloadLabel), "");
    pod.terminating = metadata.contains("deletionTimestamp");
    pod.node = object.at("spec").value("nodeName", "");
    pod.port = object.at("spec").at("containers").at(0).at("ports").at(0).at("containerPort");
    const auto* phase = at(object, {"status", "phase"});
    pod.running = phase != nullptr && *phase == "Running";
    for (const auto& each : list_at(object, {"status", "podIPs"})) {
      if (const auto address = IpAddress::parse(each.at("ip").get<std::string>())) pod.addresses.push_back(*address);
    }
    read_conditions(object, pod);
    read_containers(object, pod);
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("a pod of the run cannot be read: {}", error.what()));
  }
  return pod;
}

std::string trouble_of_deployment(std::string_view deployment) {
  const auto object = Json::parse(deployment, nullptr, false);
  for (const auto& condition : list_at(object, {"status", "conditions"})) {
    if (condition.value("type", "") == "ReplicaFailure" && condition.value("status", "") == "True")
      return words_of(condition);
  }
  return {};
}

}  // namespace conntruth::cluster
