// The lives of probes' entries of connection tracking, on a real kernel: a router that translates, and conntrack(8) as
// somebody who removes.
#include <poll.h>

#include "agent/io/netns.hpp"
#include "agent/observe/entry_watch.hpp"
#include "tests/lab/agent/walk_bench.hpp"

namespace conntruth::tests {
namespace {

constexpr std::uint16_t kFixedPort = 40'123;

class Entries : public WalkTest {
 protected:
  void begin_translating() {
    network->router.chain("nat hook prerouting priority -100", kWalkService);
    begin();
  }

  void watch_begins() {
    const auto done = io::in_network_namespace(network->router.path(), [this]() -> Status {
      auto attached = observe::EntryWatch::attach({{"client", network->client.path()}});
      if (!attached) return std::unexpected(attached.error());
      watch.emplace(std::move(*attached));
      return {};
    });
    ASSERT_TRUE(done) << done.error().message;
  }

  // Sends one datagram to the Service, always from the same port; its flow is known from then on.
  void send() {
    auto task = one(Method::kUdpCrafted, socket_at("10.96.0.10", 80));
    task.source_port = kFixedPort;
    const auto hops = hops_of(task, [](const Hop& hop) { return hop.place == "client" && hop.answer; });
    if (watch) watch->saw(hops);
  }

  // Of the router.
  std::vector<EntryLife> lives() {
    std::vector<EntryLife> of_router;
    for (auto& life : watch->detach()) {
      if (life.place.empty()) of_router.push_back(std::move(life));
    }
    return of_router;
  }

  std::optional<observe::EntryWatch> watch;
};

TEST_F(Entries, one_that_a_probe_makes_is_told_with_its_translation) {
  begin_translating();
  walk_begins();
  watch_begins();
  send();
  const auto found = lives();
  ASSERT_EQ(found.size(), 1U);
  const auto& life = found.front();
  EXPECT_EQ(life.protocol, Protocol::kUdp);
  EXPECT_EQ(life.original_source, socket_at("10.1.0.2", kFixedPort));
  EXPECT_EQ(life.original_destination, socket_at("10.96.0.10", 80));
  EXPECT_EQ(life.reply_source, socket_at("10.2.0.2", 8080));
  EXPECT_EQ(life.reply_destination, socket_at("10.1.0.2", kFixedPort));
  EXPECT_NE(life.status & kEntryDestinationNat, 0U);
  EXPECT_NE(life.status & kEntrySeenReply, 0U);
  EXPECT_GT(life.created_ns, samples.at(0).sent_ns);
  EXPECT_FALSE(life.before);
  EXPECT_TRUE(life.after);
  EXPECT_EQ(life.end, EntryEnd::kNone);
  EXPECT_GT(life.timeout_s, 0U);
  EXPECT_FALSE(life.gaps);
  EXPECT_EQ(watch->lost(), 0U);
}

TEST_F(Entries, entries_of_others_are_not_told) {
  begin_translating();
  walk_begins();
  watch_begins();
  network->router.run("conntrack -I -p udp -s 192.0.2.1 -d 192.0.2.2 --sport 1 --dport 2 --timeout 100 2>/dev/null");
  EXPECT_TRUE(lives().empty());
}

TEST_F(Entries, one_that_somebody_deletes_is_told_with_who_it_was) {
  begin_translating();
  walk_begins();
  watch_begins();
  send();
  network->router.run("conntrack -D -p udp --orig-port-dst 80 2>/dev/null >/dev/null");
  const auto found = lives();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].end, EntryEnd::kDeleted);
  EXPECT_NE(found[0].remover, 0U);
  EXPECT_GT(found[0].destroyed_ns, found[0].created_ns);
  EXPECT_FALSE(found[0].after);
  EXPECT_EQ(found[0].others, 0U);
}

TEST_F(Entries, a_flush_is_told_with_how_many_went_along) {
  begin_translating();
  walk_begins();
  watch_begins();
  send();
  for (const auto* port : {"1", "2", "3"})
    network->router.run(std::string("conntrack -I -p udp -s 192.0.2.1 -d 192.0.2.2 --dport 2 --timeout 100 --sport ") +
                        port + " 2>/dev/null");
  network->router.run("conntrack -F 2>/dev/null");
  const auto found = lives();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].end, EntryEnd::kDeleted);
  EXPECT_EQ(found[0].others, 3U);
}

// Whether the kernel tells of its end depends on the kernel: it makes no events for entries older than any listener.
TEST_F(Entries, an_older_one_was_there_before_and_its_end_is_known_either_way) {
  begin_translating();
  walk_begins();
  send();
  watch_begins();
  send();
  network->router.run("conntrack -D -p udp --orig-port-dst 80 2>/dev/null >/dev/null");
  const auto found = lives();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].before);
  EXPECT_EQ(found[0].created_ns, 0);
  EXPECT_FALSE(found[0].after);
  EXPECT_TRUE(found[0].end == EntryEnd::kDeleted || found[0].end == EntryEnd::kUnseen) << to_string(found[0].end);
  EXPECT_EQ(found[0].original_destination, socket_at("10.96.0.10", 80));
}

TEST_F(Entries, events_that_are_switched_off_are_said_and_the_two_lists_remain) {
  begin_translating();
  network->router.run("sysctl -qw net.netfilter.nf_conntrack_events=0");
  walk_begins();
  watch_begins();
  ASSERT_EQ(watch->unavailable().size(), 1U);
  EXPECT_NE(watch->unavailable().front().find("nf_conntrack_events"), std::string::npos);
  send();
  const auto found = lives();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(found[0].after);
  EXPECT_EQ(found[0].created_ns, 0);
}

// What the walk saw at devices is what was sent: a whole IPv4 packet with the probe's ports.
TEST_F(Entries, hops_at_devices_have_the_packet_s_bytes) {
  begin_translating();
  walk_begins();
  auto task = one(Method::kTcpSyn, socket_at("10.96.0.10", 80));
  const auto hops = hops_of(task, [](const Hop& hop) { return hop.place == "client" && hop.answer; });
  std::size_t packets = 0;
  for (const auto& hop : hops) {
    const bool at_device = hop.kind == HopKind::kDeviceIn || hop.kind == HopKind::kDeviceOut;
    EXPECT_EQ(hop.packet.empty(), !at_device) << text_of({hop});
    if (!at_device) continue;
    ++packets;
    const auto byte = [&](std::size_t at) {
      return static_cast<unsigned>(static_cast<unsigned char>(hop.packet.at(at)));
    };
    EXPECT_EQ(byte(0), 0x45U);
    EXPECT_EQ(byte(2) * 256 + byte(3), hop.packet.size());
    EXPECT_EQ(byte(9), 6U);
    EXPECT_EQ(byte(20) * 256 + byte(21), hop.source.port);
    EXPECT_EQ(byte(22) * 256 + byte(23), hop.destination.port);
  }
  EXPECT_GE(packets, 8U);
}

}  // namespace
}  // namespace conntruth::tests
