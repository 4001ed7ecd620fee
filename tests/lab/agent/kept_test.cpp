// Connections that outlive their tasks.
#include <set>

#include "tests/lab/agent/bench.hpp"

namespace conntruth::tests {
namespace {

class Kept : public AgentTest {
 protected:
  // Sixteen requests on connection 1; the next call goes on with it.
  [[nodiscard]] ProbeTask requests(Family family, std::uint32_t number = 16) {
    auto result = task(Method::kTcpSocket, family, number);
    result.id = ++last_task_;
    result.connection = 1;
    result.interval = std::chrono::milliseconds(1);
    result.timeout = std::chrono::milliseconds(300);
    return result;
  }
  static std::set<std::uint16_t> ports_of(const std::vector<Sample>& samples) {
    std::set<std::uint16_t> ports;
    for (const auto& sample : samples) ports.insert(sample.seen_source.port);
    return ports;
  }

 private:
  std::uint32_t last_task_ = 0;
};

TEST_F(Kept, requests_of_several_assignments_share_one_connection) {
  begin();
  const auto first = probe(requests(Family::kIpv4));
  EXPECT_EQ(count(first, Outcome::kReplied), 16U);
  EXPECT_EQ(ports_of(first).size(), 1U);
  const auto others = probe(task(Method::kTcpSocket, Family::kIpv4, 200));
  EXPECT_EQ(count(others, Outcome::kReplied), 200U);
  EXPECT_FALSE(ports_of(others).contains(*ports_of(first).begin()));
  const auto second = probe(requests(Family::kIpv4));
  EXPECT_EQ(count(second, Outcome::kReplied), 16U);
  EXPECT_EQ(ports_of(second), ports_of(first));
  EXPECT_EQ(second.front().responder, responder_of(Method::kTcpSocket));
  EXPECT_EQ(responders->losses(), std::vector<LossCounter>());
}

TEST_F(Kept, a_translation_that_changes_later_does_not_move_it) {
  begin();
  network->router.chain("nat hook prerouting priority -100",
                        "ip daddr 10.96.0.10 tcp dport 80 dnat ip to 10.2.0.2:8080");
  auto to_service = requests(Family::kIpv4);
  to_service.target = {IpAddress::parse("10.96.0.10").value(), 80};
  EXPECT_EQ(count(probe(to_service), Outcome::kReplied), 16U);
  network->router.run(
      "nft 'flush chain inet t prero; add rule inet t prero ip daddr 10.96.0.10 tcp dport 80 dnat ip to "
      "10.2.0.2:8081'");
  to_service.id += 100;
  const auto later = probe(to_service);
  EXPECT_EQ(count(later, Outcome::kReplied), 16U) << testing::PrintToString(later.front());
}

TEST_F(Kept, a_close_is_seen_and_nothing_is_opened_again) {
  begin();
  EXPECT_EQ(count(probe(requests(Family::kIpv6)), Outcome::kReplied), 16U);
  responders->remove(responder_of(Method::kTcpSocket));  // closes its connections
  const auto ended = probe(requests(Family::kIpv6, 3));
  EXPECT_EQ(count(ended, Outcome::kTimedOut), 3U);
  ASSERT_TRUE(responders->add({.id = 8, .place = "server", .protocol = Protocol::kTcp, .port = kPort}));
  EXPECT_EQ(count(probe(requests(Family::kIpv6, 3)), Outcome::kTimedOut), 3U);
}

TEST_F(Kept, a_reject_on_the_way_is_a_refusal_for_every_request_after_it) {
  begin();
  EXPECT_EQ(count(probe(requests(Family::kIpv4)), Outcome::kReplied), 16U);
  network->router.chain("filter hook forward priority 0", "tcp flags & psh == psh reject with tcp reset");
  const auto refused = probe(requests(Family::kIpv4));
  EXPECT_EQ(count(refused, Outcome::kRefused), 16U);
  EXPECT_EQ(refused.front().refusal.kind, RefusalKind::kReset);
}

TEST_F(Kept, an_unreachable_on_the_way_is_told_from_a_reset) {
  begin();
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    auto wanted = requests(family);
    wanted.connection = static_cast<std::uint32_t>(family);
    EXPECT_EQ(count(probe(wanted), Outcome::kReplied), 16U);
  }
  network->router.chain("filter hook forward priority 0", "tcp flags & psh == psh reject with icmpx port-unreachable");
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    auto wanted = requests(family);
    wanted.connection = static_cast<std::uint32_t>(family);
    const auto refused = probe(wanted);
    EXPECT_EQ(count(refused, Outcome::kRefused), 16U);
    EXPECT_EQ(refused.front().refusal.kind, RefusalKind::kIcmp);
  }
}

TEST_F(Kept, a_connection_that_is_dropped_on_the_way_is_silent_until_it_is_let_through) {
  begin();
  EXPECT_EQ(count(probe(requests(Family::kIpv4)), Outcome::kReplied), 16U);
  network->router.chain("filter hook forward priority 0", "tcp flags & psh == psh drop");
  const auto silent = requests(Family::kIpv4, 2);
  EXPECT_EQ(count(probe(silent), Outcome::kTimedOut), 2U);
  network->router.run("nft flush ruleset");
  auto again = requests(Family::kIpv4);
  again.timeout = std::chrono::seconds(10);  // the kernel sends again what was dropped
  EXPECT_EQ(count(probe(again), Outcome::kReplied), 16U);
  EXPECT_EQ(loss("late-answer"), 2U);
}

TEST_F(Kept, a_connection_leads_to_one_target) {
  begin();
  EXPECT_EQ(count(probe(requests(Family::kIpv4)), Outcome::kReplied), 16U);
  const auto elsewhere = probe(requests(Family::kIpv6));
  EXPECT_EQ(count(elsewhere, Outcome::kToolError), 16U);
  EXPECT_NE(elsewhere.front().error.find("connection 1 leads to 10.2.0.2:8080"), std::string::npos)
      << elsewhere.front().error;
}

TEST_F(Kept, a_refused_opening_refuses_every_request) {
  begin();
  responders->remove(responder_of(Method::kTcpSocket));
  const auto refused = probe(requests(Family::kIpv4));
  EXPECT_EQ(count(refused, Outcome::kRefused), 16U);
}

}  // namespace
}  // namespace conntruth::tests
