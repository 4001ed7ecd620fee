// What containerd, kubelets, controllers and CoreDNS of a lab are told.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "lab/kubernetes/cluster_parts.hpp"
#include "lab/kubernetes/control_plane.hpp"
#include "lab/kubernetes/node_runtime.hpp"
#include "lab/kubernetes/proxy_choice.hpp"

namespace conntruth::lab {
namespace {

using Json = nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

LabSpec with_kubelets() {
  LabSpec spec;
  spec.proxy = "kube-proxy:nftables";
  spec.kubernetes = KubernetesSpec{"v1.36.3", "", true};
  return spec;
}

TEST(PodAddresses, begin_beyond_the_labs_own_pods_and_have_the_node_as_gateway) {
  const auto plugin = Json::parse(cni_config(with_kubelets(), 2)).at("plugins").at(0);
  EXPECT_EQ(plugin.at("type"), "conntruth-lab-cni");
  const auto& ranges = plugin.at("ipam").at("ranges");
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[0][0].at("subnet"), "10.244.2.0/24");
  EXPECT_EQ(ranges[0][0].at("rangeStart"), "10.244.2.64");
  EXPECT_EQ(ranges[0][0].at("gateway"), "172.31.0.12");
  EXPECT_EQ(ranges[1][0].at("gateway"), "fd31::c");
}

TEST(Kubelets, ask_the_dns_of_the_lab) {
  const auto config = Json::parse(kubelet_config(with_kubelets()));
  EXPECT_EQ(config.at("clusterDNS").at(0), "10.96.0.10");
  EXPECT_THAT(kubelet_arguments(with_kubelets(), 2, {"/d"}), Contains("--node-ip=172.31.0.12,fd31::c"));
}

TEST(Kubelets, find_every_machine_wide_setting_as_they_want_it) {
  for (const auto* setting :
       {"vm/overcommit_memory 1", "vm/panic_on_oom 0", "kernel/panic 10", "kernel/panic_on_oops 1",
        "kernel/keys/root_maxkeys 1000000", "kernel/keys/root_maxbytes 25000000"}) {
    EXPECT_THAT(mount_script("a"), HasSubstr(std::string("setting ") + setting + "\n"));
  }
}

TEST(Kubelets, have_their_cgroups_below_those_of_the_lab) {
  EXPECT_THAT(mount_script("a"), HasSubstr("part=/conntruth-lab.a/"));
}

TEST(ApiServerArguments, of_a_lab_with_kubelets_have_every_admission_plug_in) {
  EXPECT_THAT(apiserver_arguments(with_kubelets(), "/d"), Not(Contains(HasSubstr("disable-admission"))));
  EXPECT_THAT(apiserver_arguments({}, "/d"), Contains(HasSubstr("disable-admission")));
}

TEST(Nodes, with_a_kubelet_are_left_to_it) {
  EXPECT_FALSE(Json::parse(node_object(with_kubelets(), 1)).contains("status"));
  EXPECT_EQ(Json::parse(node_object(with_kubelets(), 1)).at("spec").at("podCIDR"), "10.244.1.0/24");
}

TEST(Tokens, of_kubelets_bind_them_to_their_node_and_group) {
  const auto text = token_file({"aa", {}, {"k1", "k2"}, "cc", "ss"});
  EXPECT_THAT(text, HasSubstr("k2,system:node:node-2,kubelet-2,system:nodes\n"));
  EXPECT_THAT(text, HasSubstr("cc,system:kube-controller-manager,"));
  EXPECT_THAT(text, HasSubstr("ss,system:kube-scheduler,"));
}

TEST(Kubelets, need_a_proxy_that_follows_the_api_on_every_node) {
  auto spec = with_kubelets();
  EXPECT_TRUE(check_proxies(spec));
  spec.node_proxies["node-2"] = "none";
  EXPECT_THAT(check_proxies(spec).error().message, HasSubstr("proxy of node-2: \"none\" does not follow the API"));
}

TEST(Dns, is_made_in_an_order_in_which_it_can_exist) {
  const auto objects = dns_objects(with_kubelets());
  ASSERT_EQ(objects.size(), 6U);
  EXPECT_EQ(Json::parse(objects.front().json).at("kind"), "ServiceAccount");
  EXPECT_EQ(Json::parse(objects.back().json).at("spec").at("replicas"), 2);
}

TEST(Readiness, is_read_from_what_the_api_tells) {
  EXPECT_TRUE(is_available(R"({"spec":{"replicas":2},"status":{"availableReplicas":2}})"));
  EXPECT_FALSE(is_available(R"({"spec":{"replicas":2},"status":{"availableReplicas":1}})"));
  for (const auto* text : {"", "{}", R"({"spec":{"replicas":2},"status":{}})"}) EXPECT_FALSE(is_available(text));
  EXPECT_TRUE(is_ready_node(R"({"status":{"conditions":[{"type":"X"},{"type":"Ready","status":"True"}]}})"));
  for (const auto* text : {"", "{}", R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})"}) {
    EXPECT_FALSE(is_ready_node(text)) << text;
  }
}

}  // namespace
}  // namespace conntruth::lab
