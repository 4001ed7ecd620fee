// What `status` says of what was read.
#include "controller/install/installation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/install/installation_text.hpp"
#include "tests/unit/controller/install/small_api.hpp"

namespace conntruth::install {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Workload workload(const kube::Resource& kind, const std::string& name, const std::string& component, int wanted) {
  return {&kind, name,   component, "kustomize", "0.1.0", "x/conntruth:0.1.0", AgentProfile::kMatrix,
          true,  wanted, wanted,    wanted};
}

cluster::PodFacts pod(const std::string& name, const std::string& node, const std::string& component,
                      int ordinal = -1) {
  cluster::PodFacts facts;
  facts.name = name;
  facts.node = node;
  facts.component = component;
  facts.ordinal = ordinal;
  facts.addresses = {*IpAddress::parse("10.244.1.7")};
  facts.ready = true;
  facts.state = "Running";
  facts.version = "0.1.0";
  facts.image = "x/conntruth:0.1.0";
  return facts;
}

// Two nodes, all well.
Facts healthy() {
  Facts facts;
  const auto objects = objects_of({.tls = TlsMode::kSecret}).value();
  for (const auto& object : objects) facts.inventory.objects.push_back({object, "kustomize", "", "", false});
  facts.workloads = {workload(kDaemonSets, "conntruth-agent", "agent", 2),
                     workload(kDaemonSets, "conntruth-anchor-0", "anchor", 2),
                     workload(kDaemonSets, "conntruth-anchor-1", "anchor", 2),
                     workload(kube::kDeployments, "conntruth-controller", "controller", 1)};
  for (const std::string node : {"n1", "n2"}) {
    facts.cluster.nodes.emplace_back();
    facts.cluster.nodes.back().node.name = node;
    facts.cluster.pods.push_back(pod("agent-" + node, node, "agent"));
    for (const int number : {0, 1}) facts.cluster.pods.push_back(pod("anchor-" + node, node, "anchor", number));
  }
  facts.cluster.pods.push_back(pod("controller-x", "n1", "controller"));
  return facts;
}

TEST(Installation, that_is_well_has_no_problem) {
  const auto all = assess(healthy(), "here");
  EXPECT_THAT(all.problems, IsEmpty());
  EXPECT_EQ(all.exit_code(), 0);
  EXPECT_EQ(all.installed_by, "kustomize");
  EXPECT_EQ(all.version, "0.1.0");
  EXPECT_EQ(all.controller_node, "n1");
  EXPECT_THAT(as_text(all), HasSubstr("all is as it has to be"));
}

TEST(Installation, of_nothing_is_not_installed) {
  const auto none = assess({}, "here");
  EXPECT_EQ(none.exit_code(), 3);
  EXPECT_THAT(as_text(none), HasSubstr("conntruth is not installed in here"));
}

TEST(Installation, names_a_node_without_agent_and_one_without_anchor_with_the_reason) {
  auto facts = healthy();
  facts.cluster.nodes[1].node.taints.push_back({"dedicated", "gpu", "NoSchedule"});
  std::erase_if(facts.cluster.pods,
                [](const auto& each) { return each.name == "agent-n2" || (each.node == "n1" && each.ordinal == 1); });
  const auto all = assess(facts, "here");
  EXPECT_EQ(all.exit_code(), 2);
  EXPECT_THAT(all.problems, ElementsAre("not covered: n1 has no anchor 1",
                                        "not covered: n2 has no agent (the node's taints: dedicated=gpu:NoSchedule)"));
  EXPECT_FALSE(all.nodes[1].covered);
  EXPECT_FALSE(all.nodes[1].agent);
}

TEST(Installation, names_what_is_missing_of_the_base_but_not_what_helm_may_leave_out) {
  auto facts = healthy();
  std::erase_if(facts.inventory.objects, [](const Found& each) { return each.object.kind->kind == "NetworkPolicy"; });
  EXPECT_THAT(assess(facts, "here").problems,
              ElementsAre("missing: NetworkPolicy conntruth-system/conntruth-controller, NetworkPolicy "
                          "conntruth-system/conntruth-anchor"));
  facts.releases = {{"conntruth", "conntruth-system"}};
  EXPECT_THAT(assess(facts, "here").problems, IsEmpty());
  EXPECT_EQ(assess(facts, "here").installed_by, "Helm (release conntruth)");
}

TEST(Installation, looks_at_what_is_missing_only_where_it_may_see_all) {
  auto facts = healthy();
  facts.inventory.objects.pop_back();
  facts.inventory.not_seen = facts.not_seen = {"list clusterroles: HTTP 403"};
  const auto all = assess(facts, "here");
  EXPECT_THAT(all.problems, IsEmpty());
  EXPECT_EQ(all.exit_code(), 1) << "it is not known to be well";
  EXPECT_THAT(as_text(all),
              AllOf(HasSubstr("not looked at for want of rights: list clusterroles; `-o json`"),
                    HasSubstr("what could be looked at is as it has to be"), Not(HasSubstr("all is as"))));
  Facts blind;
  blind.not_seen = facts.not_seen;
  EXPECT_EQ(assess(blind, "here").exit_code(), 1);
  EXPECT_THAT(as_text(assess(blind, "here")), HasSubstr("conntruth is not seen in here"));
}

TEST(Installation, names_pods_of_another_image_and_parts_of_another_version) {
  auto facts = healthy();
  facts.cluster.pods[0].image = "x/conntruth:0.0.9";
  facts.workloads[1].version = "0.0.9";
  EXPECT_THAT(assess(facts, "here").problems,
              ElementsAre(HasSubstr("DaemonSet conntruth-anchor-0 is 0.0.9"),
                          "pod agent-n1 on n1 runs x/conntruth:0.0.9, not x/conntruth:0.1.0"));
}

TEST(Installation, names_a_controller_that_is_not_ready_or_not_there) {
  auto facts = healthy();
  facts.cluster.pods.back().ready = false;
  facts.cluster.pods.back().state = "ImagePullBackOff";
  EXPECT_THAT(assess(facts, "here").problems,
              ElementsAre("the controller's pod controller-x is not ready: ImagePullBackOff"));
  facts.cluster.pods.pop_back();
  EXPECT_THAT(assess(facts, "here").problems, ElementsAre("the controller has no pod"));
}

TEST(Installation, counts_a_runs_objects_as_left_behind_only_where_no_run_goes_on) {
  auto facts = healthy();
  facts.run_objects = {3, 4, 0, 0, 0};
  facts.run_lease = LeaseFacts{"pod x", "", "2026-01-02T03:04:05Z", true};
  auto all = assess(facts, "here");
  EXPECT_EQ(all.exit_code(), 0);
  EXPECT_TRUE(all.run_lease);
  facts.run_lease->live = false;
  all = assess(facts, "here");
  EXPECT_EQ(all.exit_code(), 2);
  EXPECT_EQ(all.leftovers.total(), 7U);
  EXPECT_THAT(all.problems, ElementsAre(HasSubstr("7 objects of a run that is over")));
}

TEST(Installation, of_nodes_that_may_not_be_listed_shows_those_with_pods) {
  auto facts = healthy();
  facts.cluster.nodes.clear();
  facts.nodes_seen = false;
  const auto all = assess(facts, "here");
  ASSERT_EQ(all.nodes.size(), 2U);
  EXPECT_TRUE(all.nodes[0].covered);
}

TEST(Installation, as_json_has_every_part_under_stable_keys) {
  auto all = assess(healthy(), "here");
  all.last_run = LastRun{"20260102T030405.678Z", "complete", "pass"};
  const auto json = nlohmann::json::parse(as_json(all));
  EXPECT_EQ(json["installed"], true);
  EXPECT_EQ(json["profile"], "matrix");
  EXPECT_EQ(json["nodes"][1]["agent"]["pod"], "agent-n2");
  EXPECT_EQ(json["nodes"][1]["anchors"].size(), 2U);
  EXPECT_EQ(json["lastRun"]["verdict"], "pass");
  EXPECT_EQ(json["controllerLease"], nullptr);
  EXPECT_EQ(json["exitCode"], 0);
}

TEST(Workloads, are_up_when_as_many_as_wanted_are_ready_as_they_are_now) {
  const auto read = [](const std::string& status) {
    return read_workload(kDaemonSets,
                         R"({"metadata":{"name":"a","generation":2,"labels":{"app.kubernetes.io/component":"agent"}},
      "spec":{"template":{"spec":{"containers":[{"image":"i","securityContext":{"capabilities":{"add":["BPF"]}}}]}}},"status":)" +
                             status + "}")
        .value();
  };
  const auto up =
      read(R"({"observedGeneration":2,"desiredNumberScheduled":3,"updatedNumberScheduled":3,"numberReady":3})");
  EXPECT_TRUE(up.is_up());
  EXPECT_EQ(up.profile, AgentProfile::kEbpf);
  EXPECT_EQ(words_of({up}), "agent 3 of 3 ready");
  EXPECT_FALSE(read(R"({"observedGeneration":1,"desiredNumberScheduled":3,"updatedNumberScheduled":3,"numberReady":3})")
                   .is_up());
  EXPECT_FALSE(read(R"({"observedGeneration":2,"desiredNumberScheduled":3,"updatedNumberScheduled":1,"numberReady":3})")
                   .is_up());
  EXPECT_FALSE(read(R"({"observedGeneration":2,"desiredNumberScheduled":0})").is_up()) << "no node takes any";
  EXPECT_FALSE(read("{}").is_up());
}

TEST(Facts, are_read_with_what_may_not_be_seen_named) {
  SmallApi api;
  const std::string empty = R"({"metadata":{"resourceVersion":"1"},"items":[]})";
  for (const auto* path :
       {"/api/v1/namespaces", "/api/v1/nodes", "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices",
        "/api/v1/namespaces/conntruth/pods", "/apis/apps/v1/namespaces/conntruth/deployments",
        "/apis/apps/v1/namespaces/conntruth-system/daemonsets", "/apis/apps/v1/namespaces/conntruth-system/deployments",
        "/api/v1/namespaces/conntruth-system/pods"})
    api.given[path] = empty;
  api.given["/apis/coordination.k8s.io/v1/namespaces/conntruth/leases/run"] =
      R"({"spec":{"holderIdentity":"pod x","renewTime":"2026-01-02T03:04:05.678901Z","leaseDurationSeconds":30}})";
  const auto renewed = std::chrono::system_clock::from_time_t(1767323045);  // that time
  auto facts = read_facts(*api.client(), renewed + std::chrono::seconds(20));
  ASSERT_TRUE(facts) << facts.error().message;
  ASSERT_TRUE(facts->run_lease);
  EXPECT_TRUE(facts->run_lease->live);
  EXPECT_FALSE(facts->controller_lease);
  EXPECT_EQ(assess(*facts, "here").exit_code(), 3);
  facts = read_facts(*api.client(), renewed + std::chrono::seconds(32));
  EXPECT_FALSE(facts->run_lease->live);
}

TEST(Inventory, leaves_runs_objects_and_foreign_namespaces_out_and_finds_helms_release) {
  SmallApi api;
  api.given["/api/v1/namespaces"] = R"({"metadata":{"resourceVersion":"1"},"items":[
    {"metadata":{"name":"conntruth","deletionTimestamp":"2026-01-02T03:04:05Z"}},{"metadata":{"name":"another"}}]})";
  api.given["/apis/apps/v1/deployments"] = R"({"metadata":{"resourceVersion":"1"},"items":[
    {"metadata":{"name":"conntruth-controller","namespace":"conntruth-system","labels":{"app.kubernetes.io/managed-by":"Helm"},
      "annotations":{"meta.helm.sh/release-name":"r","meta.helm.sh/release-namespace":"s"}}},
    {"metadata":{"name":"w","namespace":"conntruth","labels":{"app.kubernetes.io/managed-by":"conntruth"}}}]})";
  api.given["/api/v1/namespaces/s/secrets"] = R"({"items":[]})";
  const auto client = api.client();
  const auto inventory = take_inventory(*client, client->default_deadline());
  ASSERT_TRUE(inventory) << inventory.error().message;
  ASSERT_EQ(inventory->objects.size(), 2U);
  EXPECT_TRUE(inventory->find("Namespace conntruth")->going);
  EXPECT_TRUE(inventory->has("Deployment conntruth-system/conntruth-controller"));
  EXPECT_THAT(helm_releases(*client, *inventory).value(), IsEmpty()) << "its record is gone";
  api.given["/api/v1/namespaces/s/secrets"] = R"({"items":[{"metadata":{"name":"sh.helm.release.v1.r.v1"}}]})";
  const auto releases = helm_releases(*client, *inventory).value();
  ASSERT_EQ(releases.size(), 1U);
  EXPECT_EQ(helm_removal(releases[0]), "helm uninstall r --namespace s --wait && kubectl delete namespace s");
}

}  // namespace
}  // namespace conntruth::install
