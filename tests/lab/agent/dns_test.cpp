// Lookups through the kernel, of a DNS server that is none of ours.
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <thread>

#include "agent/io/netns.hpp"
#include "tests/lab/agent/bench.hpp"
#include "tests/support/dns_answer.hpp"

namespace conntruth::tests {
namespace {

using support::address_record;
using support::alias_record;
using support::dns_answer;

constexpr std::uint16_t kDnsPort = 5353;

bool asks_for_ipv6(const std::string& question) {
  return question.find(std::string("\0\x1c\0\x01", 4)) != std::string::npos;
}

// Says to each question what `reply` makes of it; nothing where that is empty.
class Server {
 public:
  using Reply = std::function<std::string(const std::string& question)>;
  Server(const std::string& netns, Reply reply) : reply_(std::move(reply)) {
    const auto opened = io::in_network_namespace(netns, [this]() -> Status {
      socket_ = io::Fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      sockaddr_in6 any{};
      any.sin6_family = AF_INET6;
      any.sin6_port = htons(kDnsPort);
      const bool bound = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
      return bound ? Status() : fail_errno("bind", errno);
    });
    EXPECT_TRUE(opened) << opened.error().message;
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ::shutdown(socket_.get(), SHUT_RDWR);  // ends the receive
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  void serve() {
    while (true) {
      std::array<char, 1024> bytes{};
      sockaddr_in6 client{};
      socklen_t length = sizeof client;
      auto* address = reinterpret_cast<sockaddr*>(&client);
      const auto size = ::recvfrom(socket_.get(), bytes.data(), bytes.size(), 0, address, &length);
      if (size <= 0) return;
      const auto answer = reply_({bytes.data(), static_cast<std::size_t>(size)});
      if (!answer.empty()) ::sendto(socket_.get(), answer.data(), answer.size(), 0, address, length);
    }
  }
  Reply reply_;
  io::Fd socket_;
  std::thread thread_;
};

std::string usual(const std::string& question) {
  return dns_answer(question, 0, {address_record(asks_for_ipv6(question) ? "fd00:96::9" : "10.96.0.9")});
}

const NameAnswer kUsual{0, "", {*IpAddress::parse("10.96.0.9"), *IpAddress::parse("fd00:96::9")}};

class DnsLookup : public AgentTest {
 protected:
  [[nodiscard]] static ProbeTask lookup(Family family, std::uint32_t number = 4) {
    auto result = task(Method::kDnsLookup, family, number);
    result.target.port = kDnsPort;
    result.name = "web.shop.svc.cluster.local";
    result.timeout = std::chrono::seconds(3);
    return result;
  }
  // For what nothing but its time ends.
  [[nodiscard]] static ProbeTask short_lookup(Family family, std::uint32_t number) {
    auto result = lookup(family, number);
    result.timeout = std::chrono::milliseconds(400);
    return result;
  }
};

TEST_F(DnsLookup, brings_the_addresses_of_both_families_whichever_the_server_is_asked_in) {
  begin();
  const Server server(network->server.path(), usual);
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const auto samples = probe(lookup(family));
    ASSERT_EQ(count(samples, Outcome::kReplied), 4U) << testing::PrintToString(samples.front());
    EXPECT_EQ(samples.front().name, kUsual);
    EXPECT_GT(samples.front().round_trip_ns, 0);
  }
}

TEST_F(DnsLookup, tells_names_that_do_not_exist_and_names_of_names) {
  begin();
  {
    const Server none(network->server.path(), [](const auto& question) { return dns_answer(question, 3, {}); });
    EXPECT_EQ(probe(lookup(Family::kIpv4)).front().name, (NameAnswer{NameAnswer::kNoSuchName, "", {}}));
  }
  const Server other(network->server.path(),
                     [](const auto& question) { return dns_answer(question, 0, {alias_record("elsewhere.example")}); });
  EXPECT_EQ(probe(lookup(Family::kIpv4)).front().name, (NameAnswer{0, "elsewhere.example", {}}));
}

TEST_F(DnsLookup, ends_early_when_the_answer_is_the_one_that_was_waited_for) {
  begin();
  std::atomic<int> asked = 0;
  const Server server(network->server.path(), [&](const auto& question) {
    return ++asked <= 6 ? dns_answer(question, 3, {}) : usual(question);
  });
  auto waiting = lookup(Family::kIpv6, 1000);
  waiting.until_name = kUsual;
  waiting.until_count = 2;
  const auto samples = probe(waiting);
  ASSERT_EQ(samples.size(), 5U) << "three that told of no such name, and two";
  EXPECT_EQ(samples[2].name, (NameAnswer{NameAnswer::kNoSuchName, "", {}}));
  EXPECT_EQ(samples[4].name, kUsual);
}

TEST_F(DnsLookup, half_answered_times_out) {
  begin();
  const Server server(network->server.path(),
                      [](const auto& question) { return asks_for_ipv6(question) ? std::string() : usual(question); });
  EXPECT_EQ(count(probe(short_lookup(Family::kIpv4, 2)), Outcome::kTimedOut), 2U);
}

TEST_F(DnsLookup, at_a_closed_port_is_refused_by_the_host) {
  begin();
  const auto samples = probe(lookup(Family::kIpv4, 2));
  EXPECT_EQ(count(samples, Outcome::kRefused), 2U) << testing::PrintToString(samples.front());
  EXPECT_EQ(samples.front().refusal.from, lookup(Family::kIpv4).target.address);
}

TEST_F(DnsLookup, without_a_packet_back_times_out) {
  begin();
  network->router.chain("filter hook forward priority 0", "udp dport 5353 drop");
  EXPECT_EQ(count(probe(short_lookup(Family::kIpv6, 2)), Outcome::kTimedOut), 2U);
}

TEST_F(DnsLookup, answered_with_anything_but_dns_is_a_tool_error_and_answers_to_others_are_passed_over) {
  begin();
  {
    const Server strange(network->server.path(), [](const auto&) { return "SSH-2.0-OpenSSH_9.2\r\n"; });
    const auto samples = probe(lookup(Family::kIpv4, 2));
    EXPECT_EQ(count(samples, Outcome::kToolError), 2U);
    EXPECT_NE(samples.front().error.find("DNS server"), std::string::npos) << samples.front().error;
  }
  const Server confused(network->server.path(),
                        [](const auto& question) { return "\x7f\x7f" + usual(question).substr(2); });
  EXPECT_EQ(count(probe(short_lookup(Family::kIpv4, 2)), Outcome::kTimedOut), 2U);
  EXPECT_GE(loss("foreign-packet"), 2U);
}

TEST_F(DnsLookup, without_a_name_is_a_tool_error) {
  begin();
  auto nameless = lookup(Family::kIpv4, 2);
  nameless.name.clear();
  EXPECT_EQ(probe(nameless).front().error, "a DNS lookup needs a name");
  nameless.name = "a..b";
  EXPECT_EQ(count(probe(nameless), Outcome::kToolError), 2U);
}

}  // namespace
}  // namespace conntruth::tests
