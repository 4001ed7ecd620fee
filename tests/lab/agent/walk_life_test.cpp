// How the packet walk comes, goes and shares: what is left of it, what it does where others are, and what it loses.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <thread>

#include "agent/io/netns.hpp"
#include "agent/observe/bpf_call.hpp"
#include "tests/lab/agent/walk_bench.hpp"

namespace conntruth::tests {
namespace {

class WalkLife : public WalkTest {
 protected:
  // Kernels free a program a moment after its last descriptor.
  static bool gone_soon(std::uint32_t id, bool (*exists)(std::uint32_t)) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (exists(id) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    return !exists(id);
  }
  static bool write_ids(int pipe, const std::vector<std::uint32_t>& ids) {
    const auto count = static_cast<std::uint32_t>(ids.size());
    return write(pipe, &count, sizeof count) == sizeof count &&
           write(pipe, ids.data(), ids.size() * sizeof(std::uint32_t)) ==
               static_cast<ssize_t>(ids.size() * sizeof(std::uint32_t));
  }
  static std::vector<std::uint32_t> read_ids(int pipe) {
    std::uint32_t count = 0;
    if (read(pipe, &count, sizeof count) != sizeof count) return {};
    std::vector<std::uint32_t> ids(count);
    if (read(pipe, ids.data(), ids.size() * sizeof(std::uint32_t)) < 0) return {};
    return ids;
  }
};

TEST_F(WalkLife, an_agent_that_is_killed_leaves_nothing_in_the_kernel) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const auto child = fork();
  if (child == 0) {
    auto attached = attach_walk(*network);
    const bool told =
        attached && write_ids(pipe[1], attached->program_ids()) && write_ids(pipe[1], attached->hook_link_ids());
    if (!told) _exit(1);
    while (true) pause();
  }
  close(pipe[1]);
  const auto programs = read_ids(pipe[0]);
  const auto links = read_ids(pipe[0]);
  close(pipe[0]);
  EXPECT_GE(programs.size(), 9U);
  EXPECT_EQ(links.size(), 3U * 2U * 10U) << "three namespaces, two families, ten lookouts";
  for (const auto id : programs) EXPECT_TRUE(observe::program_exists(id)) << id;
  for (const auto id : links) EXPECT_TRUE(observe::link_exists(id)) << id;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (const auto id : programs) EXPECT_TRUE(gone_soon(id, observe::program_exists)) << "program " << id;
  for (const auto id : links) EXPECT_TRUE(gone_soon(id, observe::link_exists)) << "link " << id;
}

TEST_F(WalkLife, detached_it_sees_nothing_more_and_leaves_no_link) {
  walk_begins();
  begin();
  const auto links = walk->hook_link_ids();
  walk->detach();
  for (const auto id : links) EXPECT_TRUE(gone_soon(id, observe::link_exists)) << id;
  EXPECT_EQ(count(probe(task(Method::kUdpCrafted, Family::kIpv4, 5)), Outcome::kReplied), 5U);
  walk->drain([](const std::vector<Hop>& hops) { ADD_FAILURE() << text_of(hops); });
}

TEST_F(WalkLife, priorities_that_others_have_are_passed_by) {
  for (const auto* hook : {"prerouting", "output", "input", "forward", "postrouting"}) {
    for (const int priority : {-201, -199, -198, -99, 101}) {
      const auto name = std::string(hook) + std::to_string(1000 + priority);
      network->router.run("nft add table inet busy\nnft 'add chain inet busy " + name + " { type filter hook " + hook +
                          " priority " + std::to_string(priority) + "; }'");
    }
  }
  walk_begins();
  for (const auto& line : walk->unavailable()) EXPECT_EQ(line.find("hooks of"), std::string::npos) << line;
  begin();
  const auto last = [](const Hop& hop) {
    return hop.place.empty() && hop.kind == HopKind::kHook && hop.hook == NetfilterHook::kPostrouting;
  };
  const auto hops = hops_of(one(Method::kUdpCrafted, socket_at("10.2.0.2", kPort)), last);
  EXPECT_EQ(first(hops, last).priority, 101);
}

TEST_F(WalkLife, one_node_does_not_see_another_s_packets) {
  const Namespace elsewhere;
  elsewhere.run("ip link set lo up");
  std::optional<observe::PacketWalk> other;
  const auto attached = io::in_network_namespace(elsewhere.path(), [&]() -> Status {
    auto made = observe::PacketWalk::attach({});
    if (!made) return std::unexpected(made.error());
    other.emplace(std::move(*made));
    return {};
  });
  ASSERT_TRUE(attached) << attached.error().message;
  walk_begins();
  begin();
  const auto any_hop = [](const Hop&) { return true; };
  EXPECT_FALSE(hops_of(one(Method::kUdpCrafted, socket_at("10.2.0.2", kPort)), any_hop).empty());
  other->drain([](const std::vector<Hop>& hops) { ADD_FAILURE() << text_of(hops); });
}

TEST_F(WalkLife, events_beyond_the_ring_are_counted) {
  observe::WalkOptions small;
  small.ring_bytes = 65'536;
  walk_begins(small);
  begin();
  EXPECT_EQ(walk->lost(), 0U);
  EXPECT_EQ(count(probe(task(Method::kUdpCrafted, Family::kIpv4, 200)), Outcome::kReplied), 200U)
      << "probes do not suffer";
  EXPECT_GT(walk->lost(), 0U);
  std::size_t seen = 0;
  walk->drain([&](const std::vector<Hop>& hops) { seen += hops.size(); });
  EXPECT_GT(seen, 100U);
}

TEST_F(WalkLife, a_place_that_is_gone_is_named) {
  std::string why;
  const auto done = io::in_network_namespace(network->router.path(), [&]() -> Status {
    const auto attached = observe::PacketWalk::attach({.places = {{"pod-x", "/proc/self/fd/99999"}}});
    why = attached ? "" : attached.error().message;
    return {};
  });
  ASSERT_TRUE(done);
  EXPECT_NE(why.find("packet walk: not available here: place pod-x"), std::string::npos) << why;
}

TEST_F(WalkLife, a_node_whose_loopback_is_down_fails_its_check_of_itself) {
  const Namespace mute;
  std::string why;
  const auto done = io::in_network_namespace(mute.path(), [&]() -> Status {
    const auto attached = observe::PacketWalk::attach({.places = {}, .check_within = std::chrono::milliseconds(200)});
    why = attached ? "" : attached.error().message;
    return {};
  });
  ASSERT_TRUE(done);
  EXPECT_NE(why.find("not available here: its check of itself"), std::string::npos) << why;
}

// What a broken node's rules do to the check's own packets is what the walk is there to see.
TEST_F(WalkLife, a_node_that_throws_the_check_s_packets_away_passes_it) {
  const Namespace strict;
  strict.run("ip link set lo up");
  strict.run(
      "nft 'table inet strict { chain out { type filter hook output priority -1; icmpv6 type destination-unreachable "
      "drop; tcp flags rst drop; ip protocol udp drop; }; }'");
  std::string why;
  const auto done = io::in_network_namespace(strict.path(), [&]() -> Status {
    const auto attached = observe::PacketWalk::attach({});
    why = attached ? "" : attached.error().message;
    return {};
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(why, "");
}

TEST_F(WalkLife, without_the_rights_it_says_which_it_needs) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const auto child = fork();
  if (child == 0) {
    if (setresuid(65'534, 65'534, 65'534) != 0) _exit(1);
    const auto may = observe::PacketWalk::available();
    const auto words = may ? std::string("it may") : may.error().message;
    _exit(write(pipe[1], words.data(), words.size()) > 0 ? 0 : 1);
  }
  close(pipe[1]);
  std::array<char, 512> words{};
  EXPECT_GT(read(pipe[0], words.data(), words.size() - 1), 0);
  close(pipe[0]);
  waitpid(child, nullptr, 0);
  EXPECT_STREQ(
      words.data(),
      "load a program of eBPF: Operation not permitted; it needs CAP_BPF and CAP_PERFMON, and CAP_NET_ADMIN for hooks");
}

TEST_F(WalkLife, here_everything_is_available_but_functions) {
  EXPECT_TRUE(observe::PacketWalk::available());
  walk_begins();
  for (const auto& line : walk->unavailable()) {
    EXPECT_TRUE(line.starts_with("functions of the kernel")) << line;
  }
}

}  // namespace
}  // namespace conntruth::tests
