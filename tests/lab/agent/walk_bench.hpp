#pragma once
// A packet walk over a Network: the router is its node, client and server are its places.

#include <functional>
#include <optional>
#include <vector>

#include "tests/lab/agent/bench.hpp"
#include "tests/lab/agent/walk_network.hpp"

namespace conntruth::tests {

// What a proxy would do for a Service at port 80.
inline constexpr auto kWalkService =
    "meta l4proto { tcp, udp, sctp } ip daddr 10.96.0.10 th dport 80 dnat ip to 10.2.0.2:8080\n"
    "meta l4proto { tcp, udp, sctp } ip6 daddr fd96::a th dport 80 dnat ip6 to [fd02::2]:8080";

class WalkTest : public AgentTest {
 protected:
  using Wanted = std::function<bool(const Hop&)>;

  // The test fails where it cannot be attached.
  void walk_begins(const observe::WalkOptions& more = {});
  // Sends one probe and returns its hops in the order of their times; waits until one of them is `until`.
  [[nodiscard]] std::vector<Hop> hops_of(const ProbeTask& task, const Wanted& until);
  [[nodiscard]] static ProbeTask one(Method method, const SocketAddress& target);

  std::optional<observe::PacketWalk> walk;
  std::vector<Sample> samples;  // of the last hops_of()
};

[[nodiscard]] bool any(const std::vector<Hop>& hops, const std::function<bool(const Hop&)>& wanted);
// The first that fits, or an empty one and a failed test.
[[nodiscard]] Hop first(const std::vector<Hop>& hops, const std::function<bool(const Hop&)>& wanted);
// All of them, a line each: what a failed expectation prints.
[[nodiscard]] std::string text_of(const std::vector<Hop>& hops);
[[nodiscard]] SocketAddress socket_at(const char* address, std::uint16_t port);

}  // namespace conntruth::tests
