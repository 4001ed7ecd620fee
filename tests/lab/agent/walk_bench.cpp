#include "tests/lab/agent/walk_bench.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cstdlib>

namespace conntruth::tests {

namespace {

// By how much longer answers are waited for on a machine that is an emulated one: $CONNTRUTH_PATIENCE.
int patience() {
  const char* text = std::getenv("CONNTRUTH_PATIENCE");
  return text == nullptr ? 1 : std::max(std::atoi(text), 1);
}

}  // namespace

void WalkTest::walk_begins(const observe::WalkOptions& more) {
  auto attached = attach_walk(*network, more);
  ASSERT_TRUE(attached) << attached.error().message;
  walk.emplace(std::move(*attached));
}

std::vector<Hop> WalkTest::hops_of(const ProbeTask& task, const Wanted& until) {
  samples = probe(task);
  std::vector<Hop> hops;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (true) {
    walk->drain([&](std::vector<Hop> more) { hops.insert(hops.end(), more.begin(), more.end()); });
    if (std::ranges::any_of(hops, until) || std::chrono::steady_clock::now() > deadline) break;
    pollfd ready{.fd = walk->fd(), .events = POLLIN, .revents = 0};
    poll(&ready, 1, 1000);
  }
  std::erase_if(hops, [&](const Hop& hop) { return hop.probe != probe_id(task.id, 0); });
  std::ranges::stable_sort(hops, {}, &Hop::at_ns);
  return hops;
}

ProbeTask WalkTest::one(Method method, const SocketAddress& target) {
  auto wanted = task(method, target.address.family(), 1);
  wanted.target = target;
  wanted.timeout = std::chrono::milliseconds(300) * patience();
  return wanted;
}

bool any(const std::vector<Hop>& hops, const std::function<bool(const Hop&)>& wanted) {
  return std::ranges::any_of(hops, wanted);
}

Hop first(const std::vector<Hop>& hops, const std::function<bool(const Hop&)>& wanted) {
  const auto found = std::ranges::find_if(hops, wanted);
  EXPECT_NE(found, hops.end()) << text_of(hops);
  return found == hops.end() ? Hop{} : *found;
}

std::string text_of(const std::vector<Hop>& hops) {
  std::string text = "the walk:\n";
  for (const auto& hop : hops) {
    text += fmt::format("  {:>10} {}{} {} {} -> {} at [{}] {}", hop.at_ns - hops.front().at_ns,
                        hop.answer ? "< " : "> ", to_string(hop.kind), to_string(hop.protocol), hop.source.to_string(),
                        hop.destination.to_string(), hop.place, hop.device);
    if (hop.kind == HopKind::kHook) text += fmt::format(" {} {}", to_string(hop.hook), hop.priority);
    text += fmt::format(" ct {} {:x} reply {} -> {}", to_string(hop.conntrack.info), hop.conntrack.status,
                        hop.conntrack.reply_source.to_string(), hop.conntrack.reply_destination.to_string());
    if (!hop.reason.empty()) text += " " + hop.reason + " @" + hop.function;
    if (hop.icmp_type != 0) text += fmt::format(" icmp {}/{}", hop.icmp_type, hop.icmp_code);
    text += "\n";
  }
  return text;
}

SocketAddress socket_at(const char* address, std::uint16_t port) { return {*IpAddress::parse(address), port}; }

}  // namespace conntruth::tests
