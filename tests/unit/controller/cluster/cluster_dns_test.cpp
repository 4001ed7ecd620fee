// Where pods ask for names.
#include "controller/cluster/cluster_dns.hpp"

#include <gtest/gtest.h>

namespace conntruth::cluster {
namespace {

TEST(ClusterDns, is_what_a_pods_resolv_conf_names) {
  const auto dns = read_resolv_conf(
      "# by kubelet\nsearch conntruth-system.svc.corp.example svc.corp.example corp.example\n"
      "nameserver 10.96.0.10\nnameserver fd00:96::a\nnameserver 10.96.0.11\noptions ndots:5\n");
  EXPECT_EQ(dns.domain, "corp.example");
  EXPECT_EQ(dns.servers, (std::vector{*IpAddress::parse("10.96.0.10"), *IpAddress::parse("fd00:96::a")}));
}

TEST(ClusterDns, is_nobody_where_the_file_is_a_hosts) {
  for (const auto* text :
       {"", "nameserver 192.0.2.1\n", "search corp.example\nnameserver 192.0.2.1", "nameserver x\n"}) {
    EXPECT_EQ(read_resolv_conf(text), ClusterDns{}) << text;
  }
}

}  // namespace
}  // namespace conntruth::cluster
