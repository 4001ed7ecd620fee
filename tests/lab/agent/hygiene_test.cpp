// What the agent must not do or leave: lose probes by itself, let the kernel answer in its place, be fooled, leave
// sockets behind.
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <thread>

#include "agent/io/netns.hpp"
#include "agent/io/socket.hpp"
#include "common/wire/probe_header.hpp"
#include "tests/lab/agent/bench.hpp"

namespace conntruth::tests {
namespace {

class Hygiene : public AgentTest {
 protected:
  // A counter of /proc/net/snmp of a namespace.
  static long counter(const Namespace& place, const std::string& protocol, const std::string& name) {
    return std::stol(place.output("awk '$1==\"" + protocol + ":\" { if (!h) { for (i=1;i<=NF;i++) if ($i==\"" + name +
                                  "\") h=i } else { print $h; exit } }' /proc/net/snmp"));
  }
  static std::string sockets(const Namespace& place) {
    return place.output("cat /proc/net/tcp /proc/net/tcp6 | awk '$4 != \"0A\" && $4 != \"st\"'");  // 0A: LISTEN
  }
};

TEST_F(Hygiene, thousands_of_probes_from_two_places_are_all_answered) {
  begin(1'000'000);
  std::vector<ProbeTask> tasks;
  for (const auto method : {Method::kUdpSocket, Method::kUdpCrafted, Method::kTcpSyn, Method::kSctpInit}) {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      for (const auto* place : {"client", "server"}) {
        tasks.push_back(task(method, family, 3000));
        tasks.back().id = static_cast<std::uint32_t>(tasks.size());
        tasks.back().place = place;
      }
    }
  }
  const auto samples = probe(tasks);
  EXPECT_EQ(samples.size(), 48000U);
  EXPECT_EQ(count(samples, Outcome::kReplied), 48000U);
  EXPECT_EQ(engine->losses(), std::vector<LossCounter>());
  EXPECT_EQ(responders->losses(), std::vector<LossCounter>());
  EXPECT_EQ(collector.wait_for_sights(48000).size(), 48000U);
}

TEST_F(Hygiene, a_thousand_connections_leave_no_socket_at_either_end) {
  begin();
  const auto samples =
      probe({task(Method::kTcpSocket, Family::kIpv4, 1000), task(Method::kTcpSocket, Family::kIpv6, 1000)});
  EXPECT_EQ(count(samples, Outcome::kReplied), 2000U);
  EXPECT_EQ(sockets(network->client), "");
  EXPECT_EQ(sockets(network->server), "");
}

TEST_F(Hygiene, half_open_probes_make_no_socket) {
  begin();
  EXPECT_EQ(count(probe(task(Method::kTcpSyn, Family::kIpv4, 1000)), Outcome::kReplied), 1000U);
  EXPECT_EQ(sockets(network->server), "");
  EXPECT_EQ(counter(network->server, "Tcp", "PassiveOpens"), 0);
}

TEST_F(Hygiene, the_kernel_answers_no_crafted_probe_in_our_place) {
  begin();
  EXPECT_EQ(count(probe(task(Method::kTcpSyn, Family::kIpv4, 500)), Outcome::kReplied), 500U);
  EXPECT_EQ(counter(network->server, "Tcp", "OutRsts"), 0);
  EXPECT_EQ(count(probe(task(Method::kUdpCrafted, Family::kIpv4, 500)), Outcome::kReplied), 500U);
  EXPECT_EQ(counter(network->client, "Icmp", "OutDestUnreachs"), 0);
  EXPECT_EQ(count(probe(task(Method::kSctpInit, Family::kIpv4, 500)), Outcome::kReplied), 500U);
  EXPECT_EQ(counter(network->client, "Icmp", "OutDestUnreachs"), 0);
  EXPECT_EQ(counter(network->server, "Icmp", "OutDestUnreachs"), 0);
  EXPECT_EQ(loss("duplicate-answer"), 0U);
}

// Lines of tcpdump on the router while `work` runs; it ends after `packets`.
std::string watch(const Namespace& router, const std::string& filter, int packets, const std::function<void()>& work) {
  std::string text;
  const auto done = io::in_network_namespace(router.path(), [&]() -> Status {
    const auto command = "timeout 20 tcpdump -vv -n -l -i c -c " + std::to_string(packets) + " '" + filter + "' 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 1024> line{};
    for (bool listening = false; fgets(line.data(), line.size(), pipe) != nullptr;) {
      text += line.data();
      if (!std::exchange(listening, listening || text.find("listening on") != std::string::npos) &&
          text.find("listening on") != std::string::npos) {
        work();
      }
    }
    return pclose(pipe) == 0 ? Status{} : fail(ErrorCode::kInternal, text);
  });
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return text;
}

std::size_t occurrences(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

TEST_F(Hygiene, tcpdump_finds_every_crafted_packet_well_formed) {
  begin();
  const auto text = watch(network->router,
                          "(src host 10.1.0.2 and udp) or (src host fd01::2 and udp) or sctp or "
                          "(tcp[tcpflags] & tcp-syn != 0) or (ip6 proto 6 and ip6[53] & 2 != 0)",
                          10, [&] {
                            for (const auto method : {Method::kUdpCrafted, Method::kTcpSyn, Method::kSctpInit}) {
                              for (const auto family : {Family::kIpv4, Family::kIpv6}) {
                                EXPECT_EQ(count(probe(task(method, family, 1)), Outcome::kReplied), 1U);
                              }
                            }
                          });
  EXPECT_EQ(occurrences(text, "[udp sum ok]"), 2U) << text;
  EXPECT_EQ(occurrences(text, "(correct)"), 4U) << text;  // SYN and SYN-ACK
  EXPECT_EQ(occurrences(text, "exp-6374"), 4U) << text;
  EXPECT_EQ(occurrences(text, "[INIT] "), 2U) << text;
  EXPECT_EQ(occurrences(text, "[INIT ACK]"), 2U) << text;
  for (const auto* bad : {"bad", "incorrect", "malformed", "truncated"}) EXPECT_EQ(occurrences(text, bad), 0U) << text;
}

// A socket in a namespace that is not the agent's.
class Stranger {
 public:
  Stranger(const Namespace& place, std::uint16_t port, int type) {
    const auto opened = io::in_network_namespace(place.path(), [&]() -> Status {
      fd_ = io::Fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
      return io::bind_to(fd_.get(), {IpAddress::v4({}), port});
    });
    EXPECT_TRUE(opened);
    const timeval patience{.tv_sec = 20, .tv_usec = 0};  // a failed test must not hang
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (type == SOCK_STREAM) listen(fd_.get(), 100);
  }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  io::Fd fd_;
};

TEST_F(Hygiene, forged_answers_are_counted_and_never_a_result) {
  begin();
  const Stranger stranger(network->server, 5000, SOCK_DGRAM);
  std::thread answering([&] {
    for (int i = 0; i < 20; ++i) {
      std::array<std::uint8_t, 64> bytes{};
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      recvfrom(stranger.fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
      const auto request = wire::decode_probe_header(bytes);
      if (!request) continue;
      const wire::Identity identity{.responder = 1, .seen_source = {}, .seen_destination = {}};
      auto wrong_id = wire::encode({.kind = wire::ProbeKind::kAnswer,
                                    .crafted = request->crafted,
                                    .id = request->id + 1000,
                                    .identity = identity});
      auto damaged = wire::encode(
          {.kind = wire::ProbeKind::kAnswer, .crafted = request->crafted, .id = request->id, .identity = identity});
      damaged[17] ^= 1;
      for (const auto& forged : {wrong_id, damaged}) {
        sendto(stranger.fd(), forged.data(), forged.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
      }
    }
  });
  auto crafted = task(Method::kUdpCrafted, Family::kIpv4, 10);
  crafted.target.port = 5000;
  crafted.timeout = std::chrono::milliseconds(200);
  auto plain = crafted;
  plain.id = 2;
  plain.method = Method::kUdpSocket;
  const auto samples = probe({crafted, plain});
  answering.join();
  EXPECT_EQ(count(samples, Outcome::kTimedOut), 20U);
  EXPECT_EQ(loss("foreign-packet"), 20U);
  EXPECT_EQ(loss("unknown-answer"), 20U);
}

TEST_F(Hygiene, a_stranger_that_accepts_is_no_reply) {
  begin();
  const Stranger stranger(network->server, 5000, SOCK_STREAM);
  std::thread closing([&] {
    for (int i = 0; i < 5; ++i) io::Fd(accept(stranger.fd(), nullptr, nullptr));
  });
  auto connecting = task(Method::kTcpSocket, Family::kIpv4, 5);
  connecting.target.port = 5000;
  connecting.timeout = std::chrono::milliseconds(200);
  const auto samples = probe(connecting);
  closing.join();
  auto half_open = connecting;
  half_open.method = Method::kTcpSyn;
  for (const auto& sample : samples) {
    EXPECT_EQ(sample.outcome, Outcome::kTimedOut);
    EXPECT_NE(sample.error, "");
  }
  for (const auto& sample : probe(half_open)) {
    EXPECT_EQ(sample.outcome, Outcome::kTimedOut);
    EXPECT_NE(sample.error, "");
  }
}

TEST_F(Hygiene, late_and_repeated_answers_are_counted_and_change_nothing) {
  begin();
  const Stranger slow(network->server, 5000, SOCK_DGRAM);
  auto wanted = task(Method::kUdpCrafted, Family::kIpv4, 1);
  wanted.target.port = 5000;
  wanted.timeout = std::chrono::milliseconds(50);
  EXPECT_EQ(count(probe(wanted), Outcome::kTimedOut), 1U);
  std::array<std::uint8_t, 64> bytes{};
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  ASSERT_EQ(recvfrom(slow.fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size), 64);
  const auto answer = [&] {
    const auto answered = wire::encode({.kind = wire::ProbeKind::kAnswer,
                                        .crafted = true,
                                        .id = wire::decode_probe_header(bytes)->id,
                                        .identity = {.responder = 1, .seen_source = {}, .seen_destination = {}}});
    sendto(slow.fd(), answered.data(), answered.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
  };
  answer();
  wanted.id = 2;
  wanted.timeout = std::chrono::seconds(20);
  engine->submit({.id = ++assignment, .responders = {}, .drop_responders = {}, .tasks = {wanted}});
  ASSERT_EQ(recvfrom(slow.fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size), 64);
  answer();
  answer();
  EXPECT_EQ(count(collector.wait(assignment), Outcome::kReplied), 1U);
  EXPECT_EQ(loss("late-answer"), 1U);
  EXPECT_EQ(count(probe(task(Method::kUdpCrafted, Family::kIpv4, 1)), Outcome::kReplied),
            1U);  // behind the repeated one
  EXPECT_EQ(loss("duplicate-answer"), 1U);
}

TEST_F(Hygiene, a_taken_port_is_named) {
  begin();
  const Stranger taken(network->server, 5000, SOCK_DGRAM);
  const auto udp = responders->add({.id = 50, .place = "server", .protocol = Protocol::kUdp, .port = 5000});
  ASSERT_FALSE(udp);
  EXPECT_EQ(udp.error().code, ErrorCode::kConflict);
  EXPECT_EQ(udp.error().message, "place server: udp port 5000 is taken by another socket; choose another port");
  EXPECT_FALSE(responders->add({.id = 51, .place = "server", .protocol = Protocol::kSctp, .port = kPort}));
  EXPECT_FALSE(responders->add({.id = 52, .place = "server", .protocol = Protocol::kTcp, .port = kPort}));
  EXPECT_FALSE(responders->add({.id = kResponder, .place = "server", .protocol = Protocol::kTcp, .port = 81}));
  EXPECT_FALSE(responders->add({.id = 53, .place = "nowhere", .protocol = Protocol::kTcp, .port = 81}));
  EXPECT_TRUE(responders->add({.id = 50, .place = "server", .protocol = Protocol::kUdp, .port = 5001}));
}

TEST_F(Hygiene, a_removed_port_can_be_taken_again) {
  begin();
  for (std::uint32_t id = 60; id < 80; ++id) {
    for (const auto protocol : {Protocol::kUdp, Protocol::kTcp, Protocol::kSctp}) {
      const auto added = responders->add({.id = id, .place = "server", .protocol = protocol, .port = 6000});
      ASSERT_TRUE(added) << added.error().message;
      responders->remove(id);
    }
  }
}

TEST_F(Hygiene, a_vanished_place_is_a_tool_error_with_its_path) {
  begin();
  probe::EngineOptions options;
  options.places["gone"] = "/run/conntruth/no-such-namespace";
  engine = std::make_unique<probe::Engine>(options, collector);
  ASSERT_TRUE(engine->start());
  auto lost = task(Method::kTcpSyn, Family::kIpv4, 3);
  lost.place = "gone";
  const auto samples = probe(lost);
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_NE(samples[0].error.find("/run/conntruth/no-such-namespace"), std::string::npos) << samples[0].error;
}

TEST_F(Hygiene, the_budget_holds) {
  begin(2000);
  const auto samples = probe(task(Method::kUdpCrafted, Family::kIpv4, 600));
  EXPECT_EQ(count(samples, Outcome::kReplied), 600U);
  const auto [first, last] = std::ranges::minmax(samples, {}, &Sample::sent_ns);
  EXPECT_GE(last.sent_ns - first.sent_ns, 280'000'000);  // 600 at 2000 per second, less one burst
}

TEST_F(Hygiene, an_interval_is_kept) {
  begin();
  auto paced = task(Method::kUdpSocket, Family::kIpv4, 21);
  paced.interval = std::chrono::milliseconds(10);
  const auto samples = probe(paced);
  EXPECT_GE(samples.back().sent_ns - samples.front().sent_ns, 195'000'000);
}

TEST_F(Hygiene, stopping_amid_thousands_ends_at_once) {
  network->router.chain("filter hook forward priority 0", "drop");
  begin();
  std::vector<ProbeTask> tasks;
  for (const auto method : kMethods) tasks.push_back(task(method, Family::kIpv4, 100000));
  engine->submit({.id = 99, .responders = {}, .drop_responders = {}, .tasks = tasks});
  engine->stop();
  responders->stop();
  EXPECT_EQ(sockets(network->client), "");
}

// Not a check: prints what this machine does. Run with --gtest_also_run_disabled_tests.
TEST_F(Hygiene, DISABLED_speed) {
  begin(10'000'000);
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    for (const auto method : kMethods) {
      const auto wanted = task(method, family, method == Method::kTcpSocket ? 20000 : 200000);
      const auto cpu = std::clock();
      const auto samples = probe(wanted);
      const double cpu_s = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
      if (!samples.back().error.empty()) std::puts(samples.back().error.c_str());
      const auto [first, last] = std::ranges::minmax(samples, {}, &Sample::sent_ns);
      const double seconds = static_cast<double>(last.sent_ns - first.sent_ns) / 1e9;
      std::printf("%-12s %s %7.0f probes/s  %5.2f us CPU per probe  %zu of %zu replied\n",
                  std::string(to_string(method)).c_str(), std::string(to_string(family)).c_str(),
                  static_cast<double>(samples.size()) / seconds, cpu_s * 1e6 / static_cast<double>(samples.size()),
                  count(samples, Outcome::kReplied), samples.size());
    }
  }
  for (const auto& counters : {engine->losses(), responders->losses()}) {
    for (const auto& counter : counters) std::printf("%s %lu\n", counter.name.c_str(), counter.count);
  }
}

}  // namespace
}  // namespace conntruth::tests
