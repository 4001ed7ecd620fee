// What a node's kube-proxy says of itself, and what else may answer at its port.
#include "agent/cluster/local_proxy.hpp"

#include <gtest/gtest.h>

#include "tests/support/scripted_server.hpp"

namespace conntruth::agent {
namespace {

using tests::Answer;
using tests::ScriptedServer;
using tests::ServedRequest;

constexpr auto kMetrics = R"(# TYPE kubernetes_build_info gauge
kubernetes_build_info{build_date="",compiler="gc",git_version="v1.36.3",major=""} 1
kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1.7e+09
)";

std::string told(Answer mode, Answer metrics) {
  const ScriptedServer server(
      [=](const ServedRequest& request) { return request.path() == "/proxyMode" ? mode : metrics; });
  return local_proxy(server.port());
}

TEST(LocalProxy, is_what_kube_proxy_says_of_itself) {
  EXPECT_EQ(told({200, "nftables"}, {200, kMetrics}), "kube-proxy:nftables@v1.36.3");
  EXPECT_EQ(told({200, "iptables"}, {404, "no metrics"}), "kube-proxy:iptables");
}

TEST(LocalProxy, is_nobody_where_somebody_else_answers) {
  EXPECT_EQ(told({404, "404 page not found"}, {200, kMetrics}), "");
  EXPECT_EQ(told({200, "<html>"}, {200, kMetrics}), "");
  EXPECT_EQ(told({200, ""}, {200, kMetrics}), "");
  EXPECT_EQ(told({200, std::string(1000, 'x')}, {200, kMetrics}), "");
}

TEST(LocalProxy, is_nobody_where_nothing_listens) {
  unsigned short port = 0;
  {
    const ScriptedServer server([](const ServedRequest& /*unused*/) { return Answer{}; });
    port = server.port();
  }
  EXPECT_EQ(local_proxy(port), "");
}

TEST(LocalProxy, a_version_that_is_none_is_not_passed_on) {
  EXPECT_EQ(build_version(kMetrics), "v1.36.3");
  EXPECT_EQ(build_version(R"(kubernetes_build_info{git_version="v1 36"} 1)"), "");
  EXPECT_EQ(build_version(R"(kubernetes_build_info{git_version="v1.36)"), "v1.36");
  EXPECT_EQ(build_version(R"(other_build_info{git_version="v1.36.3"} 1)"), "");
  EXPECT_EQ(build_version(""), "");
}

}  // namespace
}  // namespace conntruth::agent
