// Which profile each node is judged by, and how the report says so.
#include "controller/app/profile_choice.hpp"

#include <gtest/gtest.h>

namespace conntruth::app {
namespace {

Topology nodes(const std::vector<std::string>& names) {
  Topology topology;
  for (const auto& name : names) topology.nodes.push_back({name, "", {}, "", {}});
  return topology;
}

constexpr auto kNew = "kube-proxy:nftables@v1.36.3";
constexpr auto kOld = "kube-proxy:nftables@v1.34.4";
constexpr auto kOther = "kube-proxy:iptables@v1.36.3";

std::string described(const std::map<std::string, std::string>& dataplanes, const std::string& wanted = "auto") {
  const auto choice = choose_profiles(wanted, nodes({"a", "b", "c"}), dataplanes);
  EXPECT_TRUE(choice) << choice.error().message;
  return choice ? choice->described : "";
}

TEST(ProfileChoice, is_each_nodes_own_and_says_so) {
  EXPECT_EQ(described({{"a", kNew}, {"b", kNew}, {"c", kNew}}), "kube-proxy-nftables 1.36.3 on 3 nodes");
  EXPECT_EQ(described({{"a", kNew}, {"b", kOther}, {"c", kOld}}),
            "kube-proxy-iptables 1.36.3 on b; kube-proxy-nftables 1.34.4 on c; kube-proxy-nftables 1.36.3 on a");
  const auto choice = choose_profiles("auto", nodes({"a", "b"}), {{"a", kNew}, {"b", kOld}});
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->profiles.nodes.at("a").version, oracle::Version::parse("1.36.3"));
  EXPECT_EQ(choice->profiles.nodes.at("b").version, oracle::Version::parse("1.34.4"));
}

TEST(ProfileChoice, of_nodes_of_which_nobody_knows_is_none) {
  EXPECT_EQ(described({}), "none");
  EXPECT_EQ(described({{"a", "cilium"}}), "none");
  EXPECT_EQ(described({{"a", kNew}}), "kube-proxy-nftables 1.36.3 on a; none on b, c");
  EXPECT_EQ(described({{"a", kNew}}, "none"), "none");
}

TEST(ProfileChoice, leaves_out_nodes_that_take_no_part) {
  EXPECT_EQ(described({{"a", kNew}, {"b", kNew}, {"c", kNew}, {"gone", kOld}}),
            "kube-proxy-nftables 1.36.3 on 3 nodes");
}

TEST(ProfileChoice, by_name_takes_each_nodes_version_where_it_is_known) {
  EXPECT_EQ(described({{"a", kNew}, {"b", kOld}}, "kube-proxy-nftables"),
            "kube-proxy-nftables 1.34.4 on b; kube-proxy-nftables 1.36.3 on a; "
            "kube-proxy-nftables of unknown version on c");
  EXPECT_EQ(described({{"a", kNew}, {"b", kOld}}, "kube-proxy-nftables@1.35"), "kube-proxy-nftables 1.35 on 3 nodes");
}

TEST(ProfileChoice, agents_tell_what_the_environment_does_not_know) {
  const std::map<std::string, std::vector<std::string>> capabilities = {
      {"a", {"udp-socket", "dataplane:kube-proxy:iptables@v1.36.3"}},
      {"b", {"dataplane:kube-proxy:nftables"}},
      {"c", {"ipv6"}}};
  const std::map<std::string, std::string> expected = {{"a", kOther}, {"b", kNew}};
  EXPECT_EQ(with_told({{"b", kNew}}, capabilities), expected);
}

}  // namespace
}  // namespace conntruth::app
