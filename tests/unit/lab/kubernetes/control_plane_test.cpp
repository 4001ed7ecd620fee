#include "lab/kubernetes/control_plane.hpp"

#include <gmock/gmock.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "lab/kubernetes/ask.hpp"

namespace conntruth::lab {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST(ApiServerArguments, give_services_the_ranges_that_the_labs_topology_has) {
  const auto arguments = apiserver_arguments({}, "/d");
  EXPECT_THAT(arguments, Contains("--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112"));
  EXPECT_THAT(arguments, Contains("--service-node-port-range=30000-32767"));
  EXPECT_THAT(arguments, Contains("--advertise-address=172.31.0.1"));
}

TEST(ApiServerArguments, of_a_lab_with_one_family_name_that_family_alone) {
  LabSpec spec;
  spec.ipv4 = false;
  EXPECT_THAT(apiserver_arguments(spec, "/d"), Contains("--advertise-address=fd31::1"));
  EXPECT_EQ(api_url(spec), "https://[fd31::1]:6443");
  spec.ipv4 = true;
  spec.ipv6 = false;
  EXPECT_THAT(apiserver_arguments(spec, "/d"), Contains("--bind-address=0.0.0.0"));
  EXPECT_THAT(apiserver_arguments(spec, "/d"), Contains("--service-cluster-ip-range=10.96.0.0/16"));
}

TEST(ServerIdentity, is_trusted_by_itself_for_every_address_and_no_other) {
  const auto identity = make_server_identity(certified_addresses({}));
  ASSERT_TRUE(identity) << identity.error().message;
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> text(BIO_new_mem_buf(identity->certificate_pem.data(), -1),
                                                           BIO_free_all);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr), X509_free);
  ASSERT_TRUE(certificate);
  EXPECT_EQ(X509_self_signed(certificate.get(), 1), 1);
  for (const auto* address : {"172.31.0.1", "fd31::1", "10.96.0.1", "fd00:96::1", "127.0.0.1"}) {
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), address, 0), 1) << address;
  }
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "172.31.0.2", 0), 0);
  EXPECT_NE(make_server_identity({})->key_pem, identity->key_pem);
}

TEST(Tokens, differ_and_their_file_binds_each_to_its_user) {
  EXPECT_NE(*make_token(), *make_token());
  EXPECT_EQ(token_file({"aa", {"bb", "cc"}}),
            "aa,conntruth:admin,admin,system:masters\nbb,system:kube-proxy,node-1\ncc,system:kube-proxy,node-2\n");
}

TEST(Kubeconfig, carries_all_that_a_client_needs) {
  const auto document = nlohmann::json::parse(kubeconfig({}, {"PEM", "secret key"}, "node-1", "bb"));
  EXPECT_EQ(document["clusters"][0]["cluster"]["server"], "https://172.31.0.1:6443");
  EXPECT_EQ(document["clusters"][0]["cluster"]["certificate-authority-data"], "UEVN");
  EXPECT_EQ(document["users"][0]["user"]["token"], "bb");
  EXPECT_EQ(document["contexts"][0]["context"]["user"], "node-1");
  EXPECT_EQ(document["current-context"], document["contexts"][0]["name"]);
  EXPECT_THAT(document.dump(), Not(HasSubstr("secret")));
}

TEST(NodeObject, has_labels_ranges_and_addresses_of_both_families_and_is_ready) {
  const auto node = nlohmann::json::parse(node_object({}, 2));
  EXPECT_EQ(node["metadata"]["name"], "node-2");
  EXPECT_EQ(node["metadata"]["labels"]["kubernetes.io/hostname"], "node-2");
  EXPECT_EQ(node["metadata"]["labels"]["topology.kubernetes.io/zone"], "zone-b");
  EXPECT_EQ(node["spec"]["podCIDRs"], nlohmann::json({"10.244.2.0/24", "fd44:0:0:2::/64"}));
  EXPECT_EQ(node["status"]["addresses"][1], nlohmann::json({{"type", "InternalIP"}, {"address", "172.31.0.12"}}));
  EXPECT_EQ(node["status"]["addresses"][2], nlohmann::json({{"type", "InternalIP"}, {"address", "fd31::c"}}));
  EXPECT_EQ(node["status"]["conditions"][0]["status"], "True");
}

TEST(NodeObject, of_a_kube_proxy_gets_its_zone_later) {
  LabSpec spec;
  spec.node_proxies = {{"node-2", "kube-proxy:iptables"}};
  const auto node = nlohmann::json::parse(node_object(spec, 2));
  EXPECT_EQ(node["metadata"]["labels"], nlohmann::json({{"kubernetes.io/hostname", "node-2"}}));
  EXPECT_EQ(zone_patch(spec, 2), R"({"metadata":{"labels":{"topology.kubernetes.io/zone":"zone-b"}}})");
  EXPECT_EQ(zone_patch(spec, 1), "");
  spec.zones.clear();
  EXPECT_EQ(zone_patch(spec, 2), "");
}

TEST(KubeProxyMetrics, tell_when_every_family_was_written_once) {
  const std::string four =
      "# TYPE kubeproxy_sync_proxy_rules_last_timestamp_seconds gauge\n"
      "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 1.79e+09\n";
  const auto begun = read_kube_proxy_metrics(four);
  EXPECT_TRUE(begun.has_written_rules(1));
  EXPECT_FALSE(begun.has_written_rules(2));
  const auto done =
      read_kube_proxy_metrics(four +
                              "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv6\"} 1.8e+09\n"
                              "kubernetes_build_info{build_date=\"\",git_version=\"v1.36.3\",platform=\"linux\"} 1");
  EXPECT_TRUE(done.has_written_rules(2));
  EXPECT_TRUE(done.has_written_rules(1, 1.795e+09));
  EXPECT_FALSE(done.has_written_rules(2, 1.795e+09));
  EXPECT_EQ(done.version, "v1.36.3");
}

TEST(KubeProxyMetrics, of_an_older_version_know_no_families) {
  EXPECT_FALSE(read_kube_proxy_metrics("kubeproxy_sync_proxy_rules_last_timestamp_seconds 0\n").has_written_rules(2));
  EXPECT_TRUE(
      read_kube_proxy_metrics("kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.7e+09\n").has_written_rules(2));
  EXPECT_FALSE(read_kube_proxy_metrics("").has_written_rules(1));
}

}  // namespace
}  // namespace conntruth::lab
