// What the packet walk costs: the time of a forwarded packet with the walk attached and without it, in turns, and how
// many of its events a second are read before any is lost. Packets go from a client through a router that tracks
// connections to a server and are read there, all on one thread, so that a packet's time is the whole way's. Prints one
// line of JSON.
//
//   bench_walk_cost [--packets 100000] [--pairs 7]

#include <fmt/core.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "agent/io/netns.hpp"
#include "agent/io/socket.hpp"
#include "common/wire/probe_header.hpp"
#include "tests/lab/agent/walk_network.hpp"

namespace conntruth {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBurst = 32;
constexpr std::uint32_t kTask = 77;

SocketAddress at(const char* address, std::uint16_t port) { return {*IpAddress::parse(address), port}; }

Result<io::Fd> bound(const tests::Namespace& place, const SocketAddress& address) {
  io::Fd socket;
  const auto done = io::in_network_namespace(place.path(), [&]() -> Status {
    auto made = io::open_socket(AF_INET, SOCK_DGRAM, 0);
    if (!made) return std::unexpected(made.error());
    socket = std::move(*made);
    return io::bind_to(socket.get(), address);
  });
  if (!done) return std::unexpected(done.error());
  return socket;
}

enum class Payload : std::uint8_t { kOtherLength, kForeign, kProbe };

// One flow from the client to the server.
class Flow {
 public:
  Flow(io::Fd client, io::Fd server) : client_(std::move(client)), server_(std::move(server)) {}

  // Nanoseconds of each packet, and how many came through.
  std::pair<double, std::uint64_t> send(std::uint32_t packets, Payload payload) {
    std::uint64_t received = 0;
    const auto begin = Clock::now();
    for (std::uint32_t sent = 0; sent < packets; ++sent) {
      wire::ProbeHeaderBytes bytes{};
      if (payload == Payload::kProbe) bytes = wire::encode({.id = probe_id(kTask, sent), .identity = {}});
      const std::size_t size = payload == Payload::kOtherLength ? bytes.size() / 2 : bytes.size();
      ::send(client_.get(), bytes.data(), size, 0);
      if (sent % kBurst == kBurst - 1) received += take();
    }
    received += take();
    const std::chrono::duration<double, std::nano> taken = Clock::now() - begin;
    return {taken.count() / packets, received};
  }

 private:
  std::uint64_t take() {
    std::uint64_t count = 0;
    std::array<char, 256> bytes{};
    while (recv(server_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) >= 0) ++count;
    return count;
  }
  io::Fd client_, server_;
};

Result<Flow> make_flow(const tests::Network& network) {
  const auto target = at("10.2.0.2", 9000);
  auto server = bound(network.server, target);
  if (!server) return std::unexpected(server.error());
  auto client = bound(network.client, at("10.1.0.2", 9001));
  if (!client) return std::unexpected(client.error());
  const auto address = io::to_kernel(target);
  if (connect(client->get(), &address.base, io::size_of(address)) != 0) return fail_errno("connect", errno);
  return Flow(std::move(*client), std::move(*server));
}

struct Spread {
  double low = 0, median = 0, high = 0;
};
Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  return {values.front(), values[values.size() / 2], values.back()};
}
std::string to_json(const Spread& spread) {
  return fmt::format(R"({{"low":{:.3f},"median":{:.3f},"high":{:.3f}}})", spread.low, spread.median, spread.high);
}

struct Cost {
  Spread ratio, detached_ns;
};

Result<Cost> cost_of(const tests::Network& network, Flow& flow, Payload payload, std::uint32_t packets, int pairs) {
  std::vector<double> ratios, alone;
  flow.send(packets, payload);  // the first ones of a flow are dearer
  for (int pair = 0; pair < pairs; ++pair) {
    const auto without = flow.send(packets, payload).first;
    auto walk = tests::attach_walk(network);
    if (!walk) return std::unexpected(walk.error());
    const auto with = flow.send(packets, payload).first;
    walk->detach();
    walk->drain([](std::vector<Hop>) {});
    ratios.push_back(with / without);
    alone.push_back(without);
  }
  return Cost{spread_of(ratios), spread_of(alone)};
}

struct Rate {
  double events_per_second = 0;
  std::uint64_t events = 0, lost = 0;
};

// Probes as fast as one core sends them, read by another thread.
Result<Rate> rate_of(const tests::Network& network, Flow& flow, std::uint32_t packets) {
  auto walk = tests::attach_walk(network);
  if (!walk) return std::unexpected(walk.error());
  std::atomic<bool> ending = false;
  std::uint64_t events = 0;
  const auto count = [&events](const std::vector<Hop>& hops) { events += hops.size(); };
  std::thread reader([&] {
    while (!ending) {
      pollfd ready{.fd = walk->fd(), .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, 50) > 0) walk->drain(count);
    }
  });
  const auto begin = Clock::now();
  flow.send(packets, Payload::kProbe);
  const std::chrono::duration<double> taken = Clock::now() - begin;
  ending = true;
  reader.join();
  walk->detach();
  walk->drain(count);
  return Rate{static_cast<double>(events) / taken.count(), events, walk->lost()};
}

Status measure(std::uint32_t packets, int pairs) {
  const tests::Network network;
  network.router.chain("filter hook forward priority 0", "ct state established accept");
  auto flow = make_flow(network);
  if (!flow) return std::unexpected(flow.error());
  std::string costs;
  constexpr std::array<std::pair<const char*, Payload>, 3> kPayloads = {
      {{"otherLength", Payload::kOtherLength}, {"probesLength", Payload::kForeign}, {"probes", Payload::kProbe}}};
  for (const auto& [name, payload] : kPayloads) {
    // A probe's events find no room after a while, as nobody reads them: that is told below.
    const auto cost = cost_of(network, *flow, payload, payload == Payload::kProbe ? 2000 : packets, pairs);
    if (!cost) return std::unexpected(cost.error());
    costs +=
        fmt::format(R"("{}":{{"detachedNs":{},"ratio":{}}},)", name, to_json(cost->detached_ns), to_json(cost->ratio));
  }
  const auto rate = rate_of(network, *flow, packets);
  if (!rate) return std::unexpected(rate.error());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print(R"({{{}"eventsPerSecond":{:.0f},"events":{},"lost":{},"memoryKiB":{}}})"
             "\n",
             costs, rate->events_per_second, rate->events, rate->lost, usage.ru_maxrss);
  return {};
}

}  // namespace
}  // namespace conntruth

int main(int count, char** words) {
  CLI::App app{"what the packet walk costs forwarded packets, and how many events it keeps up with"};
  std::uint32_t packets = 100'000;
  int pairs = 7;
  app.add_option("--packets", packets, "of each measurement");
  app.add_option("--pairs", pairs, "measurements with and without the walk, in turns");
  CLI11_PARSE(app, count, words);
  const auto done = conntruth::measure(packets, pairs);
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? 0 : 1;
}
