// Deployments as the API takes them, pods as it tells them.
#include "controller/cluster/workload_objects.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace conntruth::cluster {
namespace {

using Json = nlohmann::json;

const Workload kWorkload = {"readiness", 3, 9010, std::chrono::seconds(8), {{"published", true, true, true}}};

TEST(WorkloadObjects, a_deployments_pods_fit_the_level_restricted_and_wait_for_our_word) {
  const auto body =
      Json::parse(deployment_body(kWorkload, {"registry/conntruth:1", "Never", {"pull"}}, {"node-1", "b"}));
  EXPECT_EQ(body.at("metadata").at("labels").at("app.kubernetes.io/managed-by"), "conntruth");
  const auto& spec = body.at("spec");
  EXPECT_EQ(spec.at("replicas"), 3);
  EXPECT_EQ(spec.at("strategy").at("rollingUpdate"), (Json{{"maxSurge", 1}, {"maxUnavailable", 0}}));
  const auto& pod = spec.at("template").at("spec");
  EXPECT_EQ(pod.at("terminationGracePeriodSeconds"), 13);
  EXPECT_EQ(pod.at("readinessGates"), Json::parse(R"([{"conditionType": "conntruth.io/answering"}])"));
  EXPECT_EQ(pod.at("topologySpreadConstraints").size(), 1U);
  EXPECT_EQ(pod.at("topologySpreadConstraints").at(0).at("matchLabelKeys"), Json::parse(R"(["pod-template-hash"])"));
  EXPECT_EQ(pod.at("tolerations"), Json::parse(R"([{"operator": "Exists", "effect": "NoSchedule"}])"));
  EXPECT_EQ(pod.at("imagePullSecrets"), Json::parse(R"([{"name": "pull"}])"));
  EXPECT_TRUE(pod.at("securityContext").at("runAsNonRoot").get<bool>());
  EXPECT_EQ(pod.at("affinity")
                .at("nodeAffinity")
                .at("requiredDuringSchedulingIgnoredDuringExecution")
                .at("nodeSelectorTerms")
                .at(0)
                .at("matchExpressions")
                .at(0)
                .at("values"),
            Json::parse(R"(["node-1", "b"])"));
  const auto& container = pod.at("containers").at(0);
  EXPECT_EQ(container.at("args"), Json::parse(R"(["workload", "--linger", "8"])"));
  EXPECT_EQ(container.at("command"), Json::parse(R"(["conntruth-anchor"])"));
  EXPECT_EQ(container.at("imagePullPolicy"), "Never");
  EXPECT_EQ(container.at("ports").at(1).at("containerPort"), 9010);
  EXPECT_EQ(container.at("securityContext").at("capabilities"), Json::parse(R"({"drop": ["ALL"]})"));
}

TEST(WorkloadObjects, a_service_has_what_was_asked_for) {
  const auto spec = Json::parse(service_body(kWorkload, kWorkload.services[0])).at("spec");
  EXPECT_EQ(spec.at("type"), "NodePort");
  EXPECT_EQ(spec.at("externalTrafficPolicy"), "Local");
  EXPECT_EQ(spec.at("internalTrafficPolicy"), "Local");
  EXPECT_EQ(spec.at("publishNotReadyAddresses"), true);
  EXPECT_EQ(spec.at("selector"), (Json{{"conntruth.io/workload", "readiness"}}));
  EXPECT_FALSE(Json::parse(service_body(kWorkload, {"x"})).at("spec").contains("externalTrafficPolicy"));
}

std::string pod(const std::string& status) {
  return R"({"metadata": {"name": "p", "labels": {"conntruth.io/workload": "readiness"}}, "spec": {"nodeName": "node-2",
    "containers": [{"ports": [{"containerPort": 9010}]}]}, "status": )" +
         status + "}";
}

TEST(WorkloadObjects, a_pod_that_runs_is_known_by_its_addresses) {
  const auto read = read_workload_pod(pod(R"({"phase": "Running", "podIPs": [{"ip": "10.244.1.9"}, {"ip": "fd44::9"}],
    "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}]})"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->node, "node-2");
  EXPECT_EQ(read->port, 9010);
  EXPECT_TRUE(read->running && read->ready && !read->terminating);
  EXPECT_EQ(read->addresses.size(), 2U);
  EXPECT_EQ(read->trouble, "");
}

TEST(WorkloadObjects, a_pod_that_does_not_come_says_why) {
  const auto waiting = [](const std::string& reason) {
    return *read_workload_pod(pod(R"({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": ")" +
                                  reason + R"(", "message": "why"}}}]})"));
  };
  EXPECT_EQ(waiting("ContainerCreating").trouble, "");
  EXPECT_EQ(waiting("ImagePullBackOff").trouble, "ImagePullBackOff: why");
  EXPECT_FALSE(waiting("ImagePullBackOff").hopeless);
  EXPECT_TRUE(waiting("ErrImageNeverPull").hopeless);
  const auto unscheduled =
      read_workload_pod(pod(R"({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
      "message": "0/3 nodes are available"}]})"));
  EXPECT_EQ(unscheduled->trouble, "Unschedulable: 0/3 nodes are available");
  EXPECT_FALSE(read_workload_pod("[]"));
}

TEST(WorkloadObjects, a_deployment_without_pods_says_why) {
  EXPECT_EQ(trouble_of_deployment(R"({"status": {"conditions": [{"type": "ReplicaFailure", "status": "True",
    "reason": "FailedCreate", "message": "exceeded quota"}]}})"),
            "FailedCreate: exceeded quota");
  EXPECT_EQ(trouble_of_deployment(R"({"status": {}})"), "");
}

TEST(WorkloadObjects, our_image_is_that_of_our_own_deployment) {
  const auto image = image_of(R"({"spec": {"template": {"spec": {"imagePullSecrets": [{"name": "s"}],
    "containers": [{"image": "x/y:1", "imagePullPolicy": "Always"}]}}}})");
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->image, "x/y:1");
  EXPECT_EQ(image->pull_policy, "Always");
  EXPECT_EQ(image->pull_secrets, std::vector<std::string>{"s"});
  EXPECT_FALSE(image_of("{}"));
}

}  // namespace
}  // namespace conntruth::cluster
