// GETs through the kernel, of a server that is none of ours.
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "agent/io/netns.hpp"
#include "tests/lab/agent/bench.hpp"

namespace conntruth::tests {
namespace {

constexpr std::uint16_t kHttpPort = 8099;

// Says the same to everybody who asks, in both families; with nothing to say it keeps the connection open.
class Server {
 public:
  Server(const std::string& netns, std::string reply) : reply_(std::move(reply)) {
    const auto opened = io::in_network_namespace(netns, [this]() -> Status {
      listener_ = io::Fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in6 any{};
      any.sin6_family = AF_INET6;
      any.sin6_port = htons(kHttpPort);
      const bool bound = ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
      return bound && ::listen(listener_.get(), 64) == 0 ? Status() : fail_errno("listen", errno);
    });
    EXPECT_TRUE(opened) << opened.error().message;
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // ends the accept
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  void serve() {
    std::vector<io::Fd> kept;
    while (true) {
      io::Fd client(::accept(listener_.get(), nullptr, nullptr));
      if (!client) return;
      std::array<char, 1024> request{};
      const auto size = ::recv(client.get(), request.data(), request.size(), 0);
      EXPECT_TRUE(std::string_view(request.data(), size > 0 ? static_cast<std::size_t>(size) : 0)
                      .starts_with("GET /healthz HTTP/1.1\r\n"));
      ::send(client.get(), reply_.data(), reply_.size(), MSG_NOSIGNAL);
      if (reply_.empty()) kept.push_back(std::move(client));
    }
  }
  std::string reply_;
  io::Fd listener_;
  std::thread thread_;
};

class HttpGet : public AgentTest {
 protected:
  [[nodiscard]] static ProbeTask get(Family family, std::uint32_t number = 20) {
    auto result = task(Method::kHttpGet, family, number);
    result.target.port = kHttpPort;
    result.path = "/healthz";
    result.timeout = std::chrono::seconds(3);
    return result;
  }
  // For what nothing but its time ends.
  [[nodiscard]] static ProbeTask short_get(Family family, std::uint32_t number) {
    auto result = get(family, number);
    result.timeout = std::chrono::milliseconds(400);
    return result;
  }
};

TEST_F(HttpGet, brings_status_endpoints_and_service_in_both_families) {
  begin();
  const Server server(network->server.path(),
                      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"
                      R"({"service": {"namespace": "a", "name": "web"}, "localEndpoints": 0})");
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const auto samples = probe(get(family));
    EXPECT_EQ(count(samples, Outcome::kReplied), 20U) << testing::PrintToString(samples.front());
    EXPECT_EQ(samples.front().http, (HttpAnswer{503, 0, "a/web"}));
    EXPECT_GT(samples.front().round_trip_ns, 0);
  }
}

TEST_F(HttpGet, at_a_closed_port_is_refused_by_the_host) {
  begin();
  const auto samples = probe(get(Family::kIpv4));
  EXPECT_EQ(count(samples, Outcome::kRefused), 20U);
  EXPECT_EQ(samples.front().refusal.kind, RefusalKind::kReset);
  EXPECT_EQ(samples.front().refusal.from, get(Family::kIpv4).target.address);
}

TEST_F(HttpGet, rejected_on_the_way_names_who_did) {
  begin();
  network->router.chain("filter hook forward priority 0", "tcp dport 8099 reject with icmpx admin-prohibited");
  const auto samples = probe(get(Family::kIpv6));
  EXPECT_EQ(count(samples, Outcome::kRefused), 20U);
  EXPECT_EQ(samples.front().refusal.kind, RefusalKind::kIcmp);
}

TEST_F(HttpGet, without_a_packet_back_times_out) {
  begin();
  network->router.chain("filter hook forward priority 0", "tcp dport 8099 drop");
  const auto samples = probe(short_get(Family::kIpv4, 4));
  EXPECT_EQ(count(samples, Outcome::kTimedOut), 4U);
  EXPECT_EQ(samples.front().error, "");
}

TEST_F(HttpGet, of_a_server_that_says_nothing_or_no_http_is_an_acceptance_without_identity) {
  begin();
  {
    const Server silent(network->server.path(), "");
    const auto samples = probe(short_get(Family::kIpv6, 4));
    EXPECT_EQ(count(samples, Outcome::kTimedOut), 4U);
    EXPECT_EQ(samples.front().error, "");
  }
  const Server foreign(network->server.path(), "SSH-2.0-OpenSSH_9.2\r\n");
  const auto samples = probe(get(Family::kIpv6, 4));
  EXPECT_EQ(count(samples, Outcome::kTimedOut), 4U);
  EXPECT_NE(samples.front().error, "");
}

TEST_F(HttpGet, of_a_server_without_end_is_bounded) {
  begin();
  const Server server(network->server.path(), "HTTP/1.1 200 OK\r\nX-Filler: " + std::string(200'000, 'x'));
  const auto samples = probe(get(Family::kIpv4, 4));
  EXPECT_EQ(count(samples, Outcome::kTimedOut), 4U);
  EXPECT_NE(samples.front().error, "");
}

TEST_F(HttpGet, without_a_path_is_a_tool_error) {
  begin();
  auto pathless = get(Family::kIpv4, 2);
  pathless.path.clear();
  const auto samples = probe(pathless);
  EXPECT_EQ(count(samples, Outcome::kToolError), 2U);
  EXPECT_EQ(samples.front().error, "an HTTP GET needs a path that begins with /");
}

}  // namespace
}  // namespace conntruth::tests
