// What the packet walk tells of real packets: translations, drops, errors and answers.
#include <algorithm>

#include "tests/lab/agent/walk_bench.hpp"

namespace conntruth::tests {
namespace {

constexpr std::uint32_t kDnat = 0x20;

class WalkWay : public WalkTest, public ::testing::WithParamInterface<std::tuple<Method, Family>> {
 protected:
  [[nodiscard]] static Method method() { return std::get<0>(GetParam()); }
  [[nodiscard]] static bool v4() { return std::get<1>(GetParam()) == Family::kIpv4; }
  [[nodiscard]] static SocketAddress service() { return socket_at(v4() ? "10.96.0.10" : "fd96::a", 80); }
  [[nodiscard]] static SocketAddress server() { return socket_at(v4() ? "10.2.0.2" : "fd02::2", kPort); }
  [[nodiscard]] static Wanted answer_at_client() {
    return [](const Hop& hop) { return hop.answer && hop.kind == HopKind::kDeviceIn && hop.place == "client"; };
  }
  [[nodiscard]] static Wanted at_router(NetfilterHook hook, int priority) {
    return [=](const Hop& hop) {
      return !hop.answer && hop.place.empty() && hop.kind == HopKind::kHook && hop.hook == hook &&
             hop.priority == priority;
    };
  }
};

TEST_P(WalkWay, a_translated_probe_is_seen_before_and_after_with_its_entry) {
  network->router.chain("nat hook prerouting priority -100", kWalkService);
  walk_begins();
  begin();
  const auto hops = hops_of(one(method(), service()), answer_at_client());
  ASSERT_EQ(count(samples, Outcome::kReplied), 1U) << text_of(hops);
  const auto sent = first(hops, [](const Hop& hop) { return hop.kind == HopKind::kDeviceOut; });
  EXPECT_EQ(sent.place, "client");
  EXPECT_EQ(sent.device, "eth0");
  EXPECT_EQ(sent.destination, service());
  const auto arrived = first(hops, [](const Hop& hop) { return hop.kind == HopKind::kDeviceIn && hop.place.empty(); });
  EXPECT_EQ(arrived.device, "c");
  EXPECT_EQ(arrived.source, sent.source);
  const auto before = first(hops, at_router(NetfilterHook::kPrerouting, -201));
  EXPECT_EQ(before.conntrack.info, ConntrackInfo::kNone);
  EXPECT_EQ(before.destination, service());
  const auto tracked = first(hops, at_router(NetfilterHook::kPrerouting, -199));
  EXPECT_EQ(tracked.conntrack.info, ConntrackInfo::kNew) << text_of(hops);
  EXPECT_EQ(tracked.destination, service());
  EXPECT_EQ(tracked.conntrack.original_destination, service());
  const auto translated = first(hops, at_router(NetfilterHook::kPrerouting, -99));
  EXPECT_EQ(translated.destination, server());
  EXPECT_EQ(translated.conntrack.reply_source, server());
  EXPECT_NE(translated.conntrack.status & kDnat, 0U);
  EXPECT_EQ(first(hops, at_router(NetfilterHook::kForward, -199)).device, "s");
  EXPECT_EQ(first(hops, at_router(NetfilterHook::kPostrouting, 101)).destination, server());
  const auto delivered =
      first(hops, [](const Hop& hop) { return hop.kind == HopKind::kDeviceIn && hop.place == "server"; });
  EXPECT_EQ(delivered.destination, server());
  const auto answered = first(hops, answer_at_client());
  EXPECT_EQ(answered.source, service()) << text_of(hops);
  EXPECT_EQ(answered.destination, sent.source);
  EXPECT_FALSE(any(hops, [](const Hop& hop) { return hop.kind == HopKind::kDropped && hop.place.empty(); }))
      << text_of(hops);
}

TEST_P(WalkWay, masquerade_shows_after_source_translation) {
  network->router.chain("nat hook postrouting priority 100", "oifname s masquerade");
  walk_begins();
  begin();
  const auto hops = hops_of(one(method(), server()), answer_at_client());
  const auto translated = first(hops, at_router(NetfilterHook::kPostrouting, 101));
  EXPECT_EQ(translated.source.address, *IpAddress::parse(v4() ? "10.2.0.1" : "fd02::1")) << text_of(hops);
}

TEST_P(WalkWay, a_rule_s_drop_has_the_kernel_s_reason_and_function) {
  network->router.chain("filter hook forward priority 0", "meta l4proto { tcp, udp, sctp } drop");
  walk_begins();
  begin();
  const auto dropped = [](const Hop& hop) { return hop.kind == HopKind::kDropped; };
  const auto hops = hops_of(one(method(), server()), dropped);
  EXPECT_EQ(count(samples, Outcome::kTimedOut), 1U);
  const auto drop = first(hops, dropped);
  EXPECT_EQ(drop.place, "");
  EXPECT_EQ(drop.reason, "NETFILTER_DROP") << text_of(hops);
  EXPECT_EQ(drop.function, "nft_do_chain") << text_of(hops);
  EXPECT_EQ(drop.destination, server());
  EXPECT_TRUE(any(hops, at_router(NetfilterHook::kForward, -199))) << text_of(hops);
  EXPECT_FALSE(any(hops, at_router(NetfilterHook::kPostrouting, 101))) << text_of(hops);
}

TEST_P(WalkWay, a_rule_s_drop_of_what_the_client_sends_is_the_client_s) {
  network->client.chain("filter hook output priority 0", "th dport 8080 drop");
  walk_begins();
  begin();
  const auto dropped = [](const Hop& hop) { return hop.kind == HopKind::kDropped; };
  const auto hops = hops_of(one(method(), server()), dropped);
  EXPECT_EQ(first(hops, dropped).place, "client") << text_of(hops);
  EXPECT_EQ(first(hops, dropped).reason, "NETFILTER_DROP") << text_of(hops);
}

TEST_P(WalkWay, without_connection_tracking_nothing_is_called_invalid) {
  walk_begins();
  begin();
  const auto hops = hops_of(one(method(), server()), answer_at_client());
  EXPECT_EQ(first(hops, at_router(NetfilterHook::kPrerouting, -199)).conntrack.info, ConntrackInfo::kNone);
  EXPECT_FALSE(any(hops, [](const Hop& hop) { return hop.conntrack.info == ConntrackInfo::kInvalid; }))
      << text_of(hops);
}

TEST_P(WalkWay, untracked_is_called_so) {
  network->router.chain("nat hook prerouting priority -100", "");
  network->router.run(
      "nft add table inet r\n"
      "nft 'add chain inet r raw { type filter hook prerouting priority -300; }'\n"
      "nft add rule inet r raw notrack");
  walk_begins();
  begin();
  const auto hops = hops_of(one(method(), server()), answer_at_client());
  EXPECT_EQ(first(hops, at_router(NetfilterHook::kPrerouting, -199)).conntrack.info, ConntrackInfo::kUntracked)
      << text_of(hops);
}

INSTANTIATE_TEST_SUITE_P(All, WalkWay,
                         ::testing::Combine(::testing::Values(Method::kUdpCrafted, Method::kTcpSyn, Method::kSctpInit),
                                            ::testing::Values(Family::kIpv4, Family::kIpv6)),
                         [](const auto& all) {
                           auto name = std::string(to_string(std::get<0>(all.param))) + "_" +
                                       std::string(to_string(std::get<1>(all.param)));
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

// What a socket sends on a connection that it opened.
class WalkData : public WalkTest, public ::testing::WithParamInterface<Family> {
 protected:
  [[nodiscard]] static bool v4() { return GetParam() == Family::kIpv4; }
  [[nodiscard]] static SocketAddress service() { return socket_at(v4() ? "10.96.0.10" : "fd96::a", 80); }
  [[nodiscard]] static SocketAddress server() { return socket_at(v4() ? "10.2.0.2" : "fd02::2", kPort); }
};

TEST_P(WalkData, a_request_and_its_answer_are_seen_before_and_after_translation) {
  network->router.chain("nat hook prerouting priority -100", kWalkService);
  walk_begins();
  begin();
  const auto at_client = [](const Hop& hop) {
    return hop.answer && hop.kind == HopKind::kHook && hop.hook == NetfilterHook::kInput && hop.place == "client";
  };
  const auto hops = hops_of(one(Method::kTcpSocket, service()), at_client);
  ASSERT_EQ(count(samples, Outcome::kReplied), 1U) << text_of(hops);
  const auto sent = first(hops, [](const Hop& hop) { return hop.kind == HopKind::kDeviceOut; });
  EXPECT_EQ(sent.place, "client") << text_of(hops);
  EXPECT_EQ(sent.destination, service());
  const auto translated = first(hops, [](const Hop& hop) { return !hop.answer && hop.destination == server(); });
  EXPECT_EQ(translated.place, "") << text_of(hops);
  EXPECT_EQ(translated.conntrack.info, ConntrackInfo::kEstablished);
  EXPECT_TRUE(any(hops, [](const Hop& hop) { return !hop.answer && hop.place == "server"; })) << text_of(hops);
  EXPECT_EQ(first(hops, at_client).source, service()) << text_of(hops);
}

TEST_P(WalkData, a_rule_that_throws_only_data_away_is_seen_to_do_so) {
  network->router.chain("filter hook forward priority 0", "tcp flags & (syn | psh) == psh drop");
  walk_begins();
  begin();
  const auto dropped = [](const Hop& hop) { return hop.kind == HopKind::kDropped; };
  const auto hops = hops_of(one(Method::kTcpSocket, server()), dropped);
  EXPECT_EQ(count(samples, Outcome::kTimedOut), 1U);
  EXPECT_EQ(first(hops, dropped).place, "") << text_of(hops);
  EXPECT_EQ(first(hops, dropped).function, "nft_do_chain") << text_of(hops);
}

INSTANTIATE_TEST_SUITE_P(All, WalkData, ::testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& each) { return std::string(to_string(each.param)); });

class WalkCause : public WalkTest {};

TEST_F(WalkCause, a_closed_port_of_udp_has_no_socket_and_is_answered_by_icmp) {
  walk_begins();
  begin();
  const auto back = [](const Hop& hop) {
    return hop.answer && hop.place == "client" && hop.kind == HopKind::kDeviceIn;
  };
  const auto hops = hops_of(one(Method::kUdpCrafted, socket_at("10.2.0.2", 9)), back);
  EXPECT_EQ(count(samples, Outcome::kRefused), 1U);
  const auto drop = first(hops, [](const Hop& hop) { return hop.kind == HopKind::kDropped && !hop.answer; });
  EXPECT_EQ(drop.place, "server");
  EXPECT_EQ(drop.reason, "NO_SOCKET") << text_of(hops);
  const auto error = first(hops, [](const Hop& hop) { return hop.kind == HopKind::kIcmpError; });
  EXPECT_EQ(error.place, "server");
  EXPECT_EQ(std::pair(error.icmp_type, error.icmp_code), std::pair(std::uint8_t{3}, std::uint8_t{3}));
  EXPECT_FALSE(error.answer);
  const auto answer = first(hops, back);
  EXPECT_EQ(std::pair(answer.icmp_type, answer.icmp_code), std::pair(std::uint8_t{3}, std::uint8_t{3}));
  EXPECT_EQ(answer.source.address.to_string(), "10.2.0.2");
}

TEST_F(WalkCause, the_same_over_ipv6_is_seen_as_the_packet_that_comes_back) {
  walk_begins();
  begin();
  const auto back = [](const Hop& hop) {
    return hop.answer && hop.place == "client" && hop.kind == HopKind::kDeviceIn;
  };
  const auto hops = hops_of(one(Method::kUdpCrafted, socket_at("fd02::2", 9)), back);
  EXPECT_EQ(first(hops, [](const Hop& hop) { return hop.kind == HopKind::kDropped && !hop.answer; }).reason,
            "NO_SOCKET");
  EXPECT_EQ(std::pair(first(hops, back).icmp_type, first(hops, back).icmp_code),
            std::pair(std::uint8_t{1}, std::uint8_t{4}))
      << text_of(hops);
}

TEST_F(WalkCause, an_endpoint_that_no_route_leads_to) {
  network->router.chain("nat hook prerouting priority -100", "ip daddr 10.96.0.10 udp dport 80 dnat ip to 10.9.0.9:80");
  walk_begins();
  begin();
  const auto dropped = [](const Hop& hop) { return hop.kind == HopKind::kDropped && !hop.answer; };
  const auto hops = hops_of(one(Method::kUdpCrafted, socket_at("10.96.0.10", 80)), dropped);
  EXPECT_EQ(first(hops, dropped).reason, "IP_INNOROUTES") << text_of(hops);
  EXPECT_EQ(first(hops, dropped).destination, socket_at("10.9.0.9", 80));
  const auto error = first(hops, [](const Hop& hop) { return hop.kind == HopKind::kIcmpError; });
  EXPECT_EQ(std::pair(error.icmp_type, error.icmp_code), std::pair(std::uint8_t{3}, std::uint8_t{0}));
}

TEST_F(WalkCause, a_pod_behind_its_own_service_without_masquerade) {
  network->router.chain("nat hook prerouting priority -100",
                        "ip daddr 10.96.0.10 udp dport 80 dnat ip to 10.1.0.2:8080");
  walk_begins();
  begin();
  const auto dropped = [](const Hop& hop) { return hop.kind == HopKind::kDropped; };
  const auto hops = hops_of(one(Method::kUdpCrafted, socket_at("10.96.0.10", 80)), dropped);
  EXPECT_EQ(first(hops, dropped).place, "client");
  EXPECT_EQ(first(hops, dropped).reason, "IP_LOCAL_SOURCE") << text_of(hops);
}

TEST_F(WalkCause, a_closed_port_of_tcp_is_reset_and_the_rst_is_known_on_its_way) {
  for (const auto* address : {"10.2.0.2", "fd02::2"}) {
    if (!walk) walk_begins();
    if (!engine) begin();
    const auto back = [](const Hop& hop) {
      return hop.answer && hop.place == "client" && hop.kind == HopKind::kDeviceIn;
    };
    const auto hops = hops_of(one(Method::kTcpSyn, socket_at(address, 9)), back);
    EXPECT_EQ(count(samples, Outcome::kRefused), 1U);
    const auto reset = first(hops, [](const Hop& hop) { return hop.kind == HopKind::kReset && !hop.answer; });
    EXPECT_EQ(reset.place, "server");
    EXPECT_EQ(reset.destination, socket_at(address, 9));
    EXPECT_EQ(first(hops, back).source, socket_at(address, 9)) << text_of(hops);
  }
}

TEST_F(WalkCause, a_rst_through_a_translation_is_known_on_both_sides_of_it) {
  network->router.chain("nat hook prerouting priority -100", "ip daddr 10.96.0.10 tcp dport 80 dnat ip to 10.2.0.2:9");
  walk_begins();
  begin();
  const auto back = [](const Hop& hop) {
    return hop.answer && hop.place == "client" && hop.kind == HopKind::kDeviceIn;
  };
  const auto hops = hops_of(one(Method::kTcpSyn, socket_at("10.96.0.10", 80)), back);
  EXPECT_EQ(first(hops, [](const Hop& hop) { return hop.answer; }).source, socket_at("10.2.0.2", 9)) << text_of(hops);
  EXPECT_EQ(first(hops, back).source, socket_at("10.96.0.10", 80)) << text_of(hops);
}

TEST_F(WalkCause, an_abort_is_known_by_the_flow_it_answers_and_its_tag) {
  network->router.chain("nat hook prerouting priority -100", "ip daddr 10.96.0.10 sctp dport 80 dnat ip to 10.2.0.2:9");
  walk_begins();
  begin();
  const auto back = [](const Hop& hop) {
    return hop.answer && hop.place == "client" && hop.kind == HopKind::kDeviceIn;
  };
  const auto hops = hops_of(one(Method::kSctpInit, socket_at("10.96.0.10", 80)), back);
  EXPECT_EQ(count(samples, Outcome::kRefused), 1U);
  EXPECT_EQ(first(hops, [](const Hop& hop) { return hop.answer; }).source, socket_at("10.2.0.2", 9)) << text_of(hops);
  EXPECT_EQ(first(hops, back).source, socket_at("10.96.0.10", 80)) << text_of(hops);
}

// An answer whose probe went another way, as with asymmetric routes.
TEST_F(WalkCause, an_answer_that_connection_tracking_cannot_place_is_invalid) {
  network->router.run(
      "nft add table inet r\n"
      "nft 'add chain inet r raw { type filter hook prerouting priority -300; }'\n"
      "nft add rule inet r raw iifname c notrack");
  network->router.chain("filter hook forward priority 0", "ct state new accept");
  walk_begins();
  begin();
  const auto invalid = [](const Hop& hop) { return hop.answer && hop.conntrack.info == ConntrackInfo::kInvalid; };
  const auto hops = hops_of(one(Method::kSctpInit, socket_at("10.2.0.2", kPort)), invalid);
  EXPECT_EQ(first(hops, invalid).place, "") << text_of(hops);
}

}  // namespace
}  // namespace conntruth::tests
