// Every method × family × outcome, over real packets.
#include <algorithm>
#include <set>

#include "tests/lab/agent/bench.hpp"

namespace conntruth::tests {
namespace {

// What a proxy would do for a Service at port 80.
constexpr auto kServiceRules =
    "meta l4proto { tcp, udp, sctp } ip daddr 10.96.0.10 th dport 80 dnat ip to 10.2.0.2:8080\n"
    "meta l4proto { tcp, udp, sctp } ip6 daddr fd96::a th dport 80 dnat ip6 to [fd02::2]:8080";

class Outcomes : public AgentTest, public ::testing::WithParamInterface<std::tuple<Method, Family>> {
 protected:
  [[nodiscard]] static Method method() { return std::get<0>(GetParam()); }
  [[nodiscard]] static bool v4() { return std::get<1>(GetParam()) == Family::kIpv4; }
  [[nodiscard]] static IpAddress pick(const char* four, const char* six) {
    return *IpAddress::parse(v4() ? four : six);
  }
  [[nodiscard]] static ProbeTask task(std::uint32_t count = 20) {
    return AgentTest::task(method(), std::get<1>(GetParam()), count);
  }
  [[nodiscard]] static std::string match() {
    return (v4() ? "ip daddr 10.2.0.2 meta l4proto " : "ip6 daddr fd02::2 meta l4proto ") +
           std::string(to_string(protocol_of(method())));
  }
  void expect_all(const std::vector<Sample>& samples, Outcome outcome, std::size_t number = 20) {
    EXPECT_EQ(samples.size(), number);
    for (const auto& sample : samples) EXPECT_EQ(sample.outcome, outcome) << ::testing::PrintToString(sample);
  }
  void expect_icmp(const std::vector<Sample>& samples, int type, int code, const IpAddress& from) {
    expect_all(samples, Outcome::kRefused);
    for (const auto& sample : samples) {
      const Refusal refusal{.kind = RefusalKind::kIcmp,
                            .icmp_type = static_cast<std::uint8_t>(type),
                            .icmp_code = static_cast<std::uint8_t>(code),
                            .from = from};
      EXPECT_EQ(sample.refusal, refusal) << ::testing::PrintToString(sample);
    }
  }
};

TEST_P(Outcomes, replied_names_the_responder_and_what_it_saw) {
  begin();
  const auto samples = probe(task());
  expect_all(samples, Outcome::kReplied);
  for (const auto& sample : samples) {
    EXPECT_EQ(sample.responder, responder_of(method()));
    EXPECT_EQ(sample.seen_source, (SocketAddress{pick("10.1.0.2", "fd01::2"), sample.source_port}));
    EXPECT_GT(sample.round_trip_ns, 0);
    if (v4() || method() != Method::kTcpSyn) {
      EXPECT_EQ(sample.seen_destination, task().target);
    }
  }
  const auto sights = collector.wait_for_sights(20);
  ASSERT_EQ(sights.size(), 20U);
  EXPECT_EQ(sights.front().source.address, pick("10.1.0.2", "fd01::2"));
  EXPECT_EQ(sights.front().responder, responder_of(method()));
}

TEST_P(Outcomes, replied_through_translation_shows_the_translated_addresses) {
  network->router.chain("nat hook prerouting priority -100", kServiceRules);
  network->router.chain("nat hook postrouting priority 100", "oifname s masquerade");
  begin();
  auto wanted = task();
  wanted.target = {pick("10.96.0.10", "fd96::a"), 80};
  const auto samples = probe(wanted);
  expect_all(samples, Outcome::kReplied);
  for (const auto& sample : samples) {
    EXPECT_EQ(sample.responder, responder_of(method()));
    EXPECT_EQ(sample.seen_source.address, pick("10.2.0.1", "fd02::1"));
    if (v4() || method() != Method::kTcpSyn) {
      EXPECT_EQ(sample.seen_destination, (SocketAddress{pick("10.2.0.2", "fd02::2"), 8080}));
    }
  }
}

TEST_P(Outcomes, a_closed_port_refuses) {
  begin();
  auto wanted = task();
  wanted.target.port = 9;
  const auto samples = probe(wanted);
  switch (protocol_of(method())) {
    case Protocol::kUdp:
      return expect_icmp(samples, v4() ? 3 : 1, v4() ? 3 : 4, wanted.target.address);
    case Protocol::kTcp:
    case Protocol::kSctp:
      expect_all(samples, Outcome::kRefused);
      for (const auto& sample : samples) {
        EXPECT_EQ(sample.refusal.kind, method() == Method::kSctpInit ? RefusalKind::kAbort : RefusalKind::kReset);
        EXPECT_EQ(sample.refusal.from, wanted.target.address);
      }
  }
}

TEST_P(Outcomes, a_host_without_the_protocol_or_a_responder_refuses) {
  begin();
  auto wanted = task();
  wanted.target.address = pick("10.1.0.1", "fd01::1");  // the router
  const auto samples = probe(wanted);
  expect_all(samples, Outcome::kRefused);
  if (method() == Method::kSctpInit) {
    expect_icmp(samples, v4() ? 3 : 4, v4() ? 2 : 1, wanted.target.address);
  }
}

TEST_P(Outcomes, a_dropped_probe_times_out) {
  network->router.chain("filter hook forward priority 0", match() + " drop");
  begin();
  auto wanted = task();
  wanted.timeout = std::chrono::milliseconds(100);
  expect_all(probe(wanted), Outcome::kTimedOut);
}

TEST_P(Outcomes, a_dropped_answer_times_out) {
  network->router.chain("filter hook forward priority 0", "iifname s drop");
  begin();
  auto wanted = task();
  wanted.timeout = std::chrono::milliseconds(100);
  expect_all(probe(wanted), Outcome::kTimedOut);
}

TEST_P(Outcomes, a_rejected_probe_is_refused_by_the_router) {
  network->router.chain("filter hook forward priority 0", match() + " reject with icmpx admin-prohibited");
  begin();
  expect_icmp(probe(task()), v4() ? 3 : 1, v4() ? 13 : 1, pick("10.1.0.1", "fd01::1"));
}

// Two clients in one place that choose the same source ports: each refusal has to find its own.
TEST_P(Outcomes, a_refusal_is_the_one_of_the_client_that_it_was_sent_to) {
  const std::string from = v4() ? "ip saddr 10.1.0.3 " : "ip6 saddr fd01::3 ";
  const std::string how =
      method() == Method::kTcpSyn || method() == Method::kTcpSocket ? "tcp reset" : "icmpx host-unreachable";
  network->client.run("ip addr add 10.1.0.3/24 dev eth0; ip addr add fd01::3/64 dev eth0 nodad");
  network->router.chain("filter hook forward priority 0",
                        from + "meta l4proto " + std::string(to_string(protocol_of(method()))) + " reject with " + how);
  begin();
  auto replied = task(200);
  replied.source = pick("10.1.0.2", "fd01::2");
  auto refused = task(200);
  refused.source = pick("10.1.0.3", "fd01::3");
  replied.id = 1;
  refused.id = 2;
  for (const auto& sample : probe({replied, refused})) {
    EXPECT_EQ(sample.outcome, task_of(sample.id) == 1 ? Outcome::kReplied : Outcome::kRefused)
        << ::testing::PrintToString(sample);
  }
}

TEST_P(Outcomes, a_drop_in_the_output_hook_times_out) {
  network->client.chain("filter hook output priority 0", match() + " drop");
  begin();
  auto wanted = task();
  wanted.timeout = std::chrono::milliseconds(100);
  expect_all(probe(wanted), Outcome::kTimedOut);
}

TEST_P(Outcomes, a_reject_in_the_output_hook_is_refused) {
  network->client.chain("filter hook output priority 0", match() + " reject with icmpx port-unreachable");
  begin();
  const auto samples = probe(task());
  expect_all(samples, Outcome::kRefused);
  for (const auto& sample : samples) EXPECT_EQ(sample.refusal.kind, RefusalKind::kIcmp);
}

TEST_P(Outcomes, translation_in_the_output_hook_is_passed) {
  network->client.chain("nat hook output priority -100", kServiceRules);
  begin();
  auto wanted = task();
  wanted.target = {pick("10.96.0.10", "fd96::a"), 80};
  expect_all(probe(wanted), Outcome::kReplied);
}

TEST_P(Outcomes, a_fixed_source_port_makes_one_flow) {
  begin();
  auto wanted = task();
  wanted.source_port = 20123;
  wanted.interval = std::chrono::milliseconds(1);
  const auto samples = probe(wanted);
  expect_all(samples, Outcome::kReplied);
  for (const auto& sample : samples) {
    EXPECT_EQ(sample.source_port, 20123);
    EXPECT_EQ(sample.seen_source.port, 20123);
  }
}

TEST_P(Outcomes, without_a_fixed_port_every_probe_is_a_new_flow) {
  begin();
  std::set<std::uint16_t> ports;
  for (const auto& sample : probe(task(200))) ports.insert(sample.seen_source.port);
  EXPECT_GT(ports.size(), 190U);  // the kernel may choose a port twice
}

TEST_P(Outcomes, a_probe_to_an_own_address_is_answered) {
  begin();
  auto wanted = task();
  wanted.place = "server";
  const auto samples = probe(wanted);
  expect_all(samples, Outcome::kReplied);
  for (const auto& sample : samples) EXPECT_EQ(sample.seen_source.address, wanted.target.address);
}

TEST_P(Outcomes, a_removed_responder_refuses) {
  begin();
  responders->remove(responder_of(method()));
  expect_all(probe(task()), Outcome::kRefused);
}

TEST_P(Outcomes, enough_replies_end_a_task_early) {
  begin();
  auto wanted = task(100000);
  wanted.interval = std::chrono::milliseconds(1);
  wanted.until_responders = {1, responder_of(method())};
  wanted.until_count = 5;
  const auto samples = probe(wanted);
  EXPECT_EQ(count(samples, Outcome::kReplied), 5U);
  EXPECT_EQ(samples.size(), 5U);
}

TEST_P(Outcomes, what_cannot_be_probed_is_a_tool_error_for_every_probe) {
  begin();
  std::vector<ProbeTask> tasks(5, task(3));
  tasks[0].target.address = v4() ? IpAddress() : IpAddress::v6({});
  tasks[1].target.port = 0;
  tasks[2].place = "nowhere";
  tasks[3].source = pick("10.99.0.1", "fd99::1");
  tasks[4].source = pick("fd01::2", "10.1.0.2");
  for (std::uint32_t i = 0; i < tasks.size(); ++i) tasks[i].id = i + 1;
  const auto samples = probe(tasks);
  expect_all(samples, Outcome::kToolError, 15);
  for (const auto& sample : samples) EXPECT_FALSE(sample.error.empty()) << ::testing::PrintToString(sample);
}

TEST_P(Outcomes, no_route_is_a_tool_error) {
  network->client.run("ip route del default; ip -6 route del default");
  begin();
  const auto samples = probe(task());
  expect_all(samples, Outcome::kToolError);
  EXPECT_NE(samples.front().error.find("unreachable"), std::string::npos) << samples.front().error;
}

TEST_P(Outcomes, packet_loss_is_seen_as_such) {
  if (method() == Method::kTcpSocket) GTEST_SKIP() << "the kernel sends data segments again";
  network->router.chain(
      "filter hook forward priority 0",
      "iifname c " + match() + (method() == Method::kTcpSyn ? " tcp flags syn" : "") + " numgen inc mod 4 0 drop");
  begin();
  auto wanted = task(400);
  wanted.timeout = std::chrono::milliseconds(300);
  const auto samples = probe(wanted);
  EXPECT_EQ(count(samples, Outcome::kReplied), 300U);
  EXPECT_EQ(count(samples, Outcome::kTimedOut), 100U);
}

std::string name_of(const ::testing::TestParamInfo<Outcomes::ParamType>& info) {
  std::string name(to_string(std::get<0>(info.param)));
  std::ranges::replace(name, '-', '_');
  return name + "_" + std::string(to_string(std::get<1>(info.param)));
}
INSTANTIATE_TEST_SUITE_P(Agent, Outcomes,
                         ::testing::Combine(::testing::ValuesIn(kMethods),
                                            ::testing::Values(Family::kIpv4, Family::kIpv6)),
                         name_of);

}  // namespace
}  // namespace conntruth::tests
