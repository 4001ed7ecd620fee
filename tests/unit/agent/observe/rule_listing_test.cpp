// What nft prints of a table, and which look-ups a rule does.
#include "agent/observe/rule_listing.hpp"

#include <gtest/gtest.h>

namespace conntruth::observe {
namespace {

constexpr auto kTable = R"(table ip kube-proxy { # handle 1
	comment "rules for kube-proxy"
	map service-ips { # handle 4
		type ipv4_addr . inet_proto . inet_service : verdict
		comment "ClusterIP, ExternalIP and LoadBalancer IP traffic"
	}

	chain services { # handle 1
		ip daddr . meta l4proto . th dport vmap @service-ips # handle 5
		ip saddr { 10.0.0.1, 10.0.0.2,
			   10.0.0.3 } counter drop comment "a # handle b" # handle 6
	}

	chain nat-prerouting { # handle 2
		comment "who comes in"
		type nat hook prerouting priority -100; policy accept;
		jump services # handle 7
	}

	chain "1st" { # handle 3
	}

	chain in { # handle 9
		type filter hook ingress device "eth0" priority 10; policy drop;
	}
}
)";

TEST(RuleListing, chains_their_hooks_and_the_text_of_each_rule_are_read) {
  const auto table = read_listing(kTable);
  ASSERT_EQ(table.size(), 4U);
  const auto& services = table.at("services");
  EXPECT_FALSE(services.base);
  ASSERT_EQ(services.rules.size(), 2U);
  EXPECT_EQ(services.rules[0], (ListedRule{5, "ip daddr . meta l4proto . th dport vmap @service-ips"}));
  EXPECT_EQ(services.rules[1],
            (ListedRule{6, "ip saddr { 10.0.0.1, 10.0.0.2, 10.0.0.3 } counter drop comment \"a # handle b\""}));
  const auto& nat = table.at("nat-prerouting");
  EXPECT_EQ(nat.base, (BaseHook{.nat = true, .hook = NetfilterHook::kPrerouting, .priority = -100}));
  EXPECT_EQ(nat.rules, (std::vector<ListedRule>{{7, "jump services"}}));
  EXPECT_TRUE(table.at("1st").rules.empty());
  EXPECT_EQ(table.at("in").base, (BaseHook{.nat = false, .hook = std::nullopt, .priority = 10}));
}

TEST(RuleListing, other_text_is_passed_over) {
  EXPECT_TRUE(read_listing("").empty());
  EXPECT_TRUE(read_listing("chain\nchain {\n\t}\n# handle 7\n").empty());
  EXPECT_TRUE(read_listing("\tchain c { # handle 1\n\t\tdrop").at("c").rules.empty());
  EXPECT_TRUE(read_listing("\tchain c { # handle 1\n\t\tdrop # handle \n\t\tx # handle y").at("c").rules.empty());
}

TracedPacket packet(const char* source, const char* destination, std::optional<Protocol> protocol = Protocol::kTcp) {
  return {.protocol = protocol,
          .source = {*IpAddress::parse(source), 40'000},
          .destination = {*IpAddress::parse(destination), 80},
          .task = {},
          .sequence = {}};
}

TEST(RuleListing, a_look_up_is_told_with_this_packet_s_key) {
  const auto four = packet("10.1.0.2", "10.96.0.10");
  EXPECT_EQ(lookup_of("ip daddr . meta l4proto . th dport vmap @service-ips", four),
            (MapLookup{"service-ips", "10.96.0.10 . tcp . 80", true}));
  EXPECT_EQ(lookup_of("counter tcp dport vmap @ports comment \"x\"", four), (MapLookup{"ports", "80", true}));
  EXPECT_EQ(lookup_of("ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports", four),
            (MapLookup{"service-nodeports", "tcp . 80", false}));
  EXPECT_EQ(lookup_of("ip6 saddr . th sport vmap @x", packet("fd00::2", "fd00:96::a", Protocol::kSctp)),
            (MapLookup{"x", "fd00::2 . 40000", true}));
}

TEST(RuleListing, what_is_no_look_up_of_this_packet_is_none) {
  const auto four = packet("10.1.0.2", "10.96.0.10");
  EXPECT_FALSE(lookup_of("ip saddr 10.0.0.1 drop", four));
  EXPECT_FALSE(lookup_of("ip6 daddr . th dport vmap @x", four));
  EXPECT_FALSE(lookup_of("udp dport vmap @x", four));
  EXPECT_FALSE(lookup_of("numgen random mod 2 vmap { 0 : goto a, 1 : goto b }", four));
  EXPECT_FALSE(lookup_of("ct zone vmap @x", four));
  EXPECT_FALSE(lookup_of(" vmap @x", four));
  EXPECT_FALSE(lookup_of("th dport vmap @x", packet("10.1.0.2", "10.96.0.10", std::nullopt)));
}

}  // namespace
}  // namespace conntruth::observe
