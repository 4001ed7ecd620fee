// What is read from an API server and asked of it, against a scripted one.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/cluster/cluster_facts.hpp"
#include "controller/cluster/run_key.hpp"
#include "tests/support/loopback_access.hpp"
#include "tests/support/scripted_server.hpp"

namespace conntruth::cluster {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::Answer;
using tests::ScriptedServer;
using tests::ServedRequest;

std::unique_ptr<kube::Client> client_of(const ScriptedServer& server) {
  kube::ClientOptions options;
  options.timeout = std::chrono::seconds(20);
  return *kube::Client::make(tests::loopback_access(server.port()), options);
}

std::string list_of(const std::string& kind, const std::string& items) {
  return fmt::format(R"({{"kind":"{}List","apiVersion":"v1","metadata":{{"resourceVersion":"7"}},"items":[{}]}})", kind,
                     items);
}

constexpr auto kNode = R"({"metadata":{"name":"n1","labels":{"topology.kubernetes.io/zone":"z"}},
  "spec":{"podCIDRs":["10.244.1.0/24"],"taints":[{"key":"t","effect":"NoSchedule"}]},
  "status":{"addresses":[{"type":"InternalIP","address":"192.0.2.1"},{"type":"Hostname","address":"n1"}],
    "conditions":[{"type":"Ready","status":"False","reason":"KubeletNotReady","message":"no network"}],
    "nodeInfo":{"kernelVersion":"6.1.0"}}})";
constexpr auto kAnchor = R"({"metadata":{"name":"conntruth-anchor-1-abcde","namespace":"conntruth-system",
    "labels":{"app.kubernetes.io/component":"anchor"},
    "ownerReferences":[{"kind":"DaemonSet","name":"conntruth-anchor-1"}]},
  "spec":{"nodeName":"n1"},
  "status":{"phase":"Running","podIPs":[{"ip":"10.244.1.7"},{"ip":"fd00::7"}],
    "conditions":[{"type":"Ready","status":"True"}]}})";
constexpr auto kPending = R"({"metadata":{"name":"conntruth-agent-x","namespace":"conntruth-system",
    "labels":{"app.kubernetes.io/component":"agent"}},
  "spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
    {"matchFields":[{"key":"metadata.name","operator":"In","values":["n1"]}]}]}}}},
  "status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable",
    "message":"untolerated taint"}]}})";
constexpr auto kForeign = R"({"metadata":{"name":"web","namespace":"conntruth"},
  "spec":{"clusterIPs":["10.96.0.9","fd00:96::9"],"externalIPs":["198.51.100.1"],"ports":[{"port":80,"nodePort":30080}],
    "healthCheckNodePort":30999},
  "status":{"loadBalancer":{"ingress":[{"ip":"203.0.113.9"},{"hostname":"lb.example"}]}}})";
constexpr auto kOurs = R"({"metadata":{"name":"ours","namespace":"conntruth",
    "labels":{"app.kubernetes.io/managed-by":"conntruth"}},
  "spec":{"clusterIPs":["10.96.0.77"],"ports":[{"port":80,"nodePort":30077}]}})";
constexpr auto kHeadless = R"({"metadata":{"name":"h","namespace":"x"},"spec":{"clusterIPs":["None"]}})";
constexpr auto kRange = R"({"metadata":{"name":"kubernetes"},"spec":{"cidrs":["10.96.0.0/16","fd00:96::/112"]}})";

Answer small_cluster(const ServedRequest& request) {
  const auto path = request.path();
  if (path == "/version") return {200, R"({"gitVersion":"v1.36.3"})"};
  if (path == "/api/v1/nodes") return {200, list_of("Node", kNode)};
  if (path.ends_with("/pods")) return {200, list_of("Pod", fmt::format("{},{}", kAnchor, kPending))};
  if (path == "/api/v1/services") return {200, list_of("Service", fmt::format("{},{},{}", kForeign, kOurs, kHeadless))};
  if (path.ends_with("/servicecidrs")) return {200, list_of("ServiceCIDR", kRange)};
  return {404, R"({"message":"no"})"};
}

TEST(ClusterFacts, are_read_from_nodes_pods_services_and_ranges) {
  const ScriptedServer server(small_cluster);
  const auto client = client_of(server);
  const auto facts = read_cluster(*client, {}, client->default_deadline());
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->version, "v1.36.3");
  ASSERT_EQ(facts->nodes.size(), 1U);
  EXPECT_EQ(facts->nodes[0].node.name, "n1");
  EXPECT_EQ(facts->nodes[0].node.addresses.size(), 1U);
  EXPECT_EQ(facts->nodes[0].node.taints.size(), 1U);
  EXPECT_FALSE(facts->nodes[0].ready);
  EXPECT_EQ(facts->nodes[0].why, "KubeletNotReady: no network");
  EXPECT_EQ(facts->nodes[0].kernel, "6.1.0");
  ASSERT_EQ(facts->pods.size(), 2U);
  EXPECT_EQ(facts->pods[0].ordinal, 1);
  EXPECT_TRUE(facts->pods[0].ready);
  EXPECT_EQ(facts->pods[0].addresses.size(), 2U);
  EXPECT_EQ(facts->pods[1].node, "n1") << "where a DaemonSet's pod wants to go";
  EXPECT_EQ(facts->pods[1].state, "Pending: Unschedulable: untolerated taint");
  EXPECT_EQ(facts->service_ranges.size(), 2U);
}

TEST(ClusterFacts, have_the_addresses_ports_and_names_of_others_and_not_our_own) {
  const ScriptedServer server(small_cluster);
  const auto client = client_of(server);
  const auto facts = read_cluster(*client, {}, client->default_deadline());
  ASSERT_TRUE(facts) << facts.error().message;
  std::vector<std::string> taken;
  for (const auto& each : facts->taken_addresses) taken.push_back(each.to_string());
  EXPECT_THAT(taken, ElementsAre("10.96.0.9", "fd00:96::9", "198.51.100.1", "203.0.113.9"));
  EXPECT_THAT(facts->taken_node_ports, ElementsAre(30080, 30999));
  EXPECT_THAT(facts->services_in_our_way, ElementsAre("web"));
}

TEST(ClusterFacts, name_the_right_that_is_missing) {
  const ScriptedServer server([](const ServedRequest& request) {
    if (request.path() == "/api/v1/nodes") return Answer{403, R"({"message":"nodes is forbidden"})"};
    return small_cluster(request);
  });
  const auto client = client_of(server);
  const auto facts = read_cluster(*client, {}, client->default_deadline());
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code, ErrorCode::kPermission);
  EXPECT_THAT(facts.error().message, HasSubstr(R"({apiGroups: [""], resources: [nodes], verbs: [list]})"));
}

TEST(ClusterFacts, of_a_server_without_service_cidrs_ask_for_the_flag) {
  const ScriptedServer server([](const ServedRequest& request) {
    return request.path().ends_with("/servicecidrs") ? Answer{404, "{}"} : small_cluster(request);
  });
  const auto client = client_of(server);
  const auto facts = read_cluster(*client, {}, client->default_deadline());
  ASSERT_FALSE(facts);
  EXPECT_THAT(facts.error().message, HasSubstr("--service-range"));
  ReadOptions options;
  options.read_ranges = false;
  EXPECT_TRUE(read_cluster(*client, options, client->default_deadline()));
}

TEST(RunKey, is_made_where_it_is_missing_and_read_where_it_is_not) {
  std::string stored;
  const ScriptedServer server([&stored](const ServedRequest& request) -> Answer {
    if (request.method == "POST") {
      stored = request.body;
      return {201, request.body};
    }
    return {404, R"({"message":"no"})"};
  });
  const auto key = ensure_run_key(*client_of(server), "conntruth-system", "");
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->size(), 64U);
  EXPECT_EQ(nlohmann::json::parse(stored)["stringData"]["key"], *key);

  const ScriptedServer other(
      [](const ServedRequest&) { return Answer{200, R"({"data":{"key":"MDEyMzQ1Njc4OWFiY2RlZg=="}})"}; });
  EXPECT_EQ(ensure_run_key(*client_of(other), "conntruth-system", ""), "0123456789abcdef");
}

TEST(RunKey, of_a_secret_without_one_says_what_to_do) {
  const ScriptedServer server([](const ServedRequest&) { return Answer{200, R"({"data":{"key":"YQ=="}})"}; });
  const auto key = read_run_key(*client_of(server), "conntruth-system");
  ASSERT_FALSE(key);
  EXPECT_THAT(key.error().message, AllOf(HasSubstr("conntruth-key"), HasSubstr("delete the Secret")));
}

}  // namespace
}  // namespace conntruth::cluster
