#include "lab/kubernetes/proxy_choice.hpp"

#include <gmock/gmock.h>

#include "lab/spec.hpp"

namespace conntruth::lab {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST(ProxyChoice, every_word_reads_back_to_itself) {
  for (const auto* text : {"reference", "none", "command", "kube-proxy:nftables", "kube-proxy:iptables@1.34",
                           "kube-proxy:nftables@v1.36.3"}) {
    const auto choice = read_proxy_choice(text);
    ASSERT_TRUE(choice) << choice.error().message;
    EXPECT_EQ(to_string(*choice), text);
  }
  EXPECT_EQ(read_proxy_choice("kube-proxy:iptables@1.34")->version, "1.34");
}

TEST(ProxyChoice, other_words_are_answered_with_what_there_is) {
  for (const auto* text :
       {"", "cilium", "kube-proxy", "kube-proxy:ipvs", "kube-proxy:nftables@", "kube-proxy:nftables@x"}) {
    EXPECT_FALSE(read_proxy_choice(text)) << text;
  }
  EXPECT_EQ(read_proxy_choice("kube-proxy:ipvs").error().message,
            "\"kube-proxy:ipvs\" is not one of reference, none, kube-proxy:nftables, kube-proxy:iptables, command");
}

TEST(ProxyChoice, a_real_proxy_asks_for_an_api_and_an_api_for_a_real_proxy) {
  LabSpec spec;
  spec.node_proxies["node-2"] = "kube-proxy:iptables";
  ASSERT_TRUE(imply(spec, true, "1.34"));
  EXPECT_TRUE(spec.kubernetes);
  EXPECT_EQ(spec.node_proxies["node-2"], "kube-proxy:iptables@1.34");
  EXPECT_EQ(describe_proxies(spec), "kube-proxy:iptables@1.34 1, reference 2");

  LabSpec bare;
  bare.kubernetes = KubernetesSpec{};
  ASSERT_TRUE(imply(bare, false, ""));
  EXPECT_EQ(describe_proxies(bare), "kube-proxy:nftables");

  LabSpec own;
  own.proxy_command = "my-proxy";
  ASSERT_TRUE(imply(own, false, ""));
  EXPECT_TRUE(own.kubernetes);
  EXPECT_EQ(own.proxy, "command");

  LabSpec plain;
  ASSERT_TRUE(imply(plain, false, ""));
  EXPECT_FALSE(plain.kubernetes);
  EXPECT_FALSE(imply(plain, false, "1.34")) << "a version that no node's proxy can have";
}

TEST(ProxyChoice, what_does_not_go_together_is_refused) {
  const auto error_of = [](auto change) {
    LabSpec spec;
    change(spec);
    const auto checked = check_lab_spec(spec);
    return checked ? "no error" : checked.error().message;
  };
  EXPECT_EQ(error_of([](LabSpec& spec) { spec.node_proxies["node-4"] = "none"; }),
            "proxy of node-4: there is no such node; the lab has node-1 to node-3");
  EXPECT_EQ(error_of([](LabSpec& spec) { spec.proxy = "kube-proxy:nftables"; }),
            "proxy: kube-proxy:nftables follows a Kubernetes API; set kubernetes, too");
  EXPECT_EQ(error_of([](LabSpec& spec) {
              spec.kubernetes = KubernetesSpec{};
              spec.proxy = "command";
            }),
            "proxy: \"command\" needs a proxy_command (--proxy-cmd)");
  EXPECT_EQ(error_of([](LabSpec& spec) { spec.proxy_command = "x"; }), "proxy_command: no node's proxy is \"command\"");
}

TEST(ProxyCommand, placeholders_are_filled_in_and_the_shells_own_braces_stay) {
  const ProxyPlace place{"/k", "node-1", "172.31.0.11"};
  EXPECT_EQ(*fill_in("p --k={kubeconfig} {node}@{address} {node}", place), "p --k=/k node-1@172.31.0.11 node-1");
  EXPECT_EQ(*fill_in("${HOME}/p; { a; b; } | awk '{print $1}' {", place), "${HOME}/p; { a; b; } | awk '{print $1}' {");
  EXPECT_EQ(*fill_in("", place), "");
  EXPECT_EQ(fill_in("p {nodename}", place).error().message,
            "unknown placeholder {nodename}; there are {kubeconfig}, {node} and {address}");
}

TEST(KubeProxy, is_told_the_pod_ranges_of_the_labs_families_and_leaves_the_hosts_sysctls_alone) {
  LabSpec spec;
  const auto both = kube_proxy_arguments(spec, "iptables", {"/k", "node-1", "a"});
  EXPECT_THAT(both, Contains("--cluster-cidr=10.244.0.0/16,fd44::/48"));
  EXPECT_THAT(both, Contains("--proxy-mode=iptables"));
  EXPECT_THAT(both, Contains("--conntrack-max-per-core=0"));
  spec.ipv4 = false;
  EXPECT_THAT(kube_proxy_arguments(spec, "nftables", {}), Contains("--cluster-cidr=fd44::/48"));
}

TEST(LabSpecWithApi, is_read_from_yaml_and_read_back) {
  const auto spec = read_lab_spec(
      "kubernetes: 1.36\nkube_bin: /opt/kube\nproxy_version: 1.34\nproxy_command: p {node}\nproxy: command\n"
      "node_proxies: {node-1: 'kube-proxy:iptables', node-2: 'kube-proxy:nftables@1.36'}\n",
      "lab.yaml");
  ASSERT_TRUE(spec) << spec.error().message;
  const auto again = read_lab_spec(write_lab_spec(*spec), "spec.json");
  ASSERT_TRUE(again) << again.error().message;
  for (const auto& each : {*spec, *again}) {
    ASSERT_TRUE(each.kubernetes);
    EXPECT_EQ(each.kubernetes->version, "1.36");
    EXPECT_EQ(each.kubernetes->programs, "/opt/kube");
    EXPECT_EQ(describe_proxies(each), "command 1, kube-proxy:iptables@1.34 1, kube-proxy:nftables@1.36 1");
  }
  EXPECT_FALSE(read_lab_spec("kubernetes: false\n", "lab.yaml")->kubernetes);
  EXPECT_EQ(describe_proxies(*read_lab_spec("kubernetes: true\n", "lab.yaml")), "kube-proxy:nftables");
  EXPECT_THAT(read_lab_spec("nodes: 2\nproxy_command: p {x}\n", "lab.yaml").error().message,
              HasSubstr("lab.yaml: proxy_command: unknown placeholder {x}"));
  EXPECT_THAT(read_lab_spec("nodes: 2\nnode_proxies:\n  node-1: ipvs\n", "lab.yaml").error().message,
              HasSubstr("lab.yaml:3: node_proxies: node-1: \"ipvs\" is not one of"));
}

}  // namespace
}  // namespace conntruth::lab
