// Probes of servers that are none of ours, and what the connection tracking of a router on the way knows of them.
#include <sys/socket.h>

#include <algorithm>

#include "agent/io/netns.hpp"
#include "agent/io/socket.hpp"
#include "agent/observe/conntrack.hpp"
#include "tests/lab/agent/bench.hpp"

namespace conntruth::tests {
namespace {

constexpr std::uint16_t kTheirPort = 9090;
constexpr auto kServiceRules =
    "meta l4proto { tcp, udp, sctp } ip daddr 10.96.0.10 th dport 80 dnat ip to 10.2.0.2:9090\n"
    "meta l4proto { tcp, udp, sctp } ip6 daddr fd96::a th dport 80 dnat ip6 to [fd02::2]:9090";

class Foreign : public AgentTest, public ::testing::WithParamInterface<Family> {
 protected:
  [[nodiscard]] static IpAddress pick(const char* four, const char* six) {
    return *IpAddress::parse(GetParam() == Family::kIpv4 ? four : six);
  }
  [[nodiscard]] static SocketAddress server() { return {pick("10.2.0.2", "fd02::2"), kTheirPort}; }
  [[nodiscard]] static SocketAddress service() { return {pick("10.96.0.10", "fd96::a"), 80}; }

  // Somebody's socket on the server: the kernel answers for it.
  void serve(int type, std::uint16_t port = kTheirPort) {
    const auto opened = io::in_network_namespace(network->server.path(), [&]() -> Status {
      auto fd = io::open_socket(GetParam() == Family::kIpv4 ? AF_INET : AF_INET6, type, 0);
      if (!fd) return std::unexpected(fd.error());
      if (auto bound = io::bind_to(fd->get(), {server().address, port}); !bound) return bound;
      if (type == SOCK_STREAM && listen(fd->get(), 8) != 0) return fail_errno("listen", errno);
      theirs = std::move(*fd);
      return {};
    });
    ASSERT_TRUE(opened) << opened.error().message;
  }

  void watch() {
    auto opened = observe::Conntrack::open(network->router.path());
    ASSERT_TRUE(opened) << opened.error().message;
    conntrack.emplace(std::move(*opened));
    collector.on_foreign = [this](const FlowQuestion& flow) {
      flows.push_back(flow);
      known.push_back(find(flow));
    };
  }

  std::optional<observe::ConntrackEntry> find(const FlowQuestion& flow) {
    const auto found = conntrack->find({flow.protocol, flow.source, flow.destination});
    EXPECT_TRUE(found) << found.error().message;
    return found ? *found : std::nullopt;
  }

  [[nodiscard]] static ProbeTask foreign_task(Method method, const SocketAddress& target) {
    auto wanted = task(method, GetParam(), 10);
    wanted.target = target;
    wanted.foreign = true;
    wanted.timeout = std::chrono::milliseconds(300);
    return wanted;
  }

  io::Fd theirs;
  std::optional<observe::Conntrack> conntrack;
  std::vector<FlowQuestion> flows;
  std::vector<std::optional<observe::ConntrackEntry>> known;
};

TEST_P(Foreign, a_server_without_identity_has_answered_and_was_never_asked_to_accept) {
  serve(SOCK_STREAM);
  begin();
  const auto samples = probe(foreign_task(Method::kTcpSyn, server()));
  EXPECT_EQ(count(samples, Outcome::kReplied), 10U);
  for (const auto& sample : samples) EXPECT_EQ(sample.responder, 0U);
  EXPECT_EQ(accept(theirs.get(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN) << "a half-open probe reaches no application";
  auto ours = foreign_task(Method::kTcpSyn, server());
  ours.foreign = false;
  EXPECT_EQ(count(probe(ours), Outcome::kTimedOut), 10U) << "who wants an identity has to get one";
}

// As in a lab, whose rules drop what the kernel answers by itself.
TEST_P(Foreign, no_half_open_connection_is_left_in_the_server_s_queue) {
  network->client.chain("filter hook output priority 0", "tcp flags & (syn | ack | rst | fin) == rst drop");
  serve(SOCK_STREAM);
  begin();
  auto ours = foreign_task(Method::kTcpSyn, server());
  ours.foreign = false;
  EXPECT_EQ(count(probe(ours), Outcome::kTimedOut), 10U);
  EXPECT_NE(network->server.output("ss -Htan state syn-recv"), "") << "nobody has ended these";
  ours.foreign = true;
  ours.target.port = kTheirPort + 1;
  theirs = {};
  serve(SOCK_STREAM, kTheirPort + 1);
  EXPECT_EQ(count(probe(ours), Outcome::kReplied), 10U);
  EXPECT_EQ(network->server.output("ss -Htan state syn-recv sport = :9091"), "");
}

TEST_P(Foreign, the_router_knows_which_endpoint_it_chose_right_after_the_answer_and_later) {
  network->router.chain("nat hook prerouting priority -100", kServiceRules);
  network->router.chain("nat hook postrouting priority 100", "oifname s masquerade");
  serve(SOCK_STREAM);
  watch();
  begin();
  EXPECT_EQ(count(probe(foreign_task(Method::kTcpSyn, service())), Outcome::kReplied), 10U);
  ASSERT_EQ(known.size(), 10U);
  for (const auto& entry : known) {
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->reply.source, server());
    EXPECT_EQ(entry->reply.destination.address, pick("10.2.0.1", "fd02::1"));
  }
  for (const auto& flow : flows) {
    const auto later = find(flow);
    ASSERT_TRUE(later) << "our reset must not make the kernel forget the flow at once";
    EXPECT_EQ(later->reply.source, server());
    EXPECT_GT(later->timeout.count(), 0);
  }
}

TEST_P(Foreign, udp_is_told_by_its_translation_alone) {
  network->router.chain("nat hook prerouting priority -100", kServiceRules);
  serve(SOCK_DGRAM);
  watch();
  begin();
  EXPECT_EQ(count(probe(foreign_task(Method::kUdpCrafted, service())), Outcome::kTimedOut), 10U);
  ASSERT_EQ(known.size(), 10U);
  for (const auto& entry : known) {
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->reply.source, server());
  }
  std::array<char, 16> datagram{};
  EXPECT_EQ(recv(theirs.get(), datagram.data(), datagram.size(), MSG_DONTWAIT), 0) << "it is empty";
}

TEST_P(Foreign, a_server_that_is_down_refuses) {
  watch();
  begin();
  EXPECT_EQ(count(probe(foreign_task(Method::kTcpSyn, server())), Outcome::kRefused), 10U);
  EXPECT_TRUE(flows.empty()) << "connection tracking drops a flow that is refused";
  EXPECT_EQ(count(probe(foreign_task(Method::kUdpCrafted, server())), Outcome::kRefused), 10U);
}

TEST_P(Foreign, an_sctp_server_s_first_answer_is_one) {
  begin();
  auto wanted = task(Method::kSctpInit, GetParam(), 5);
  wanted.foreign = true;
  EXPECT_EQ(count(probe(wanted), Outcome::kReplied), 5U);
}

TEST_P(Foreign, flows_that_connection_tracking_has_never_seen_are_no_error) {
  watch();
  EXPECT_FALSE(find({1, Protocol::kTcp, {pick("10.1.0.2", "fd01::2"), 1}, server()}));
}

INSTANTIATE_TEST_SUITE_P(Families, Foreign, ::testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& family) { return std::string(to_string(family.param)); });

}  // namespace
}  // namespace conntruth::tests
