#include "agent/observe/trace_place.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include "agent/io/netns.hpp"
#include "agent/io/socket.hpp"
#include "agent/observe/rule_trace.hpp"
#include "common/wire/probe_header.hpp"

namespace conntruth::observe {

namespace {

constexpr std::size_t kDatagramBytes = 65'536;

// Where a probe's magic lies: at the start of the payload, or in the options of a SYN or SYN-ACK, or in the first
// parameter of an INIT or INIT-ACK (common/wire). What answers without it (RST, ABORT, ICMP errors) is known by where
// it goes.
constexpr auto kTable = R"(
table inet {0}-{1} {{
  flags owner
  set flows4 {{ type ipv4_addr . inet_proto . inet_service; flags dynamic,timeout; timeout 30s; size 65536; }}
  set flows6 {{ type ipv6_addr . inet_proto . inet_service; flags dynamic,timeout; timeout 30s; size 65536; }}
  set hosts4 {{ type ipv4_addr; flags dynamic,timeout; timeout 30s; size 65536; }}
  set hosts6 {{ type ipv6_addr; flags dynamic,timeout; timeout 30s; size 65536; }}
  chain probe {{
    meta nftrace set 1
    update @flows4 {{ ip saddr . meta l4proto . th sport }}
    update @flows6 {{ ip6 saddr . meta l4proto . th sport }}
    update @hosts4 {{ ip saddr }}
    update @hosts6 {{ ip6 saddr }}
  }}
  chain packets {{
    {2} {3:#x} goto probe
    meta l4proto tcp @th,176,32 {3:#x} goto probe
    meta l4proto sctp @th,288,32 {3:#x} goto probe
    ip daddr . meta l4proto . th dport @flows4 meta nftrace set 1
    ip6 daddr . meta l4proto . th dport @flows6 meta nftrace set 1
    icmp type {{ 3, 11, 12 }} ip daddr @hosts4 meta nftrace set 1
    icmpv6 type {{ 1, 2, 3, 4 }} ip6 daddr @hosts6 meta nftrace set 1
  }}
  chain prerouting {{ type filter hook prerouting priority -2147483000; jump packets; }}
  chain output {{ type filter hook output priority -2147483000; jump packets; }}
  chain postrouting {{ type filter hook postrouting priority 2147483000; jump packets; }}
}}
)";
constexpr auto kPayload = "@ih,0,32";                       // of Linux 5.16
constexpr auto kUdpPayload = "meta l4proto udp @th,64,32";  // before: segments with data are then not seen

std::string table_text(const char* payload) {
  return fmt::format(fmt::runtime(kTable), kTraceTable, getpid(), payload, wire::kProbeMagic);
}

void add_words(const char* path, std::vector<std::string>& words) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    if (std::ranges::find(words, word) == words.end()) words.push_back(word);
  }
}

}  // namespace

Status TracePlace::hold() {
  space_ = io::Fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!space_) return fail_errno("open the network namespace", errno);
  path_ = fmt::format("/proc/self/fd/{}", space_.get());
  return {};
}

Status TracePlace::listen() {
  auto made = io::open_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  if (!made) return std::unexpected(made.error());
  sockaddr_nl self{};
  self.nl_family = AF_NETLINK;
  if (bind(made->get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0)
    return fail_errno("bind to netfilter's netlink", errno);
  if (auto joined = io::set_option(made->get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTRACE,
                                   "listen to traces of nf_tables");
      !joined)
    return joined;
  io::enlarge_receive_buffer(made->get());
  socket_ = std::move(*made);
  return {};
}

Status TracePlace::mark() {
  auto session = NftSession::open();
  if (!session) return std::unexpected(session.error());
  auto made = session->run(table_text(kPayload));
  if (!made) made = session->run(table_text(kUdpPayload));
  if (!made) return std::unexpected(made.error().in("a table with an owner"));
  owner_ = std::move(*session);
  return {};
}

Result<TracePlace> TracePlace::attach(const std::string& netns, NftThread& nft) {
  TracePlace place;
  const auto done = io::in_network_namespace(netns, [&place]() -> Status {
    if (auto held = place.hold(); !held) return held;
    if (auto listening = place.listen(); !listening) return listening;
    add_words("/proc/thread-self/net/ip_tables_names", place.legacy_);
    add_words("/proc/thread-self/net/ip6_tables_names", place.legacy_);
    return {};
  });
  if (!done) return std::unexpected(done.error());
  if (auto marked = nft.run(place.path_, [&place] { return place.mark(); }); !marked)
    return std::unexpected(marked.error());
  return place;
}

void TracePlace::leave(NftThread& nft) {
  if (!owner_) return;
  [[maybe_unused]] const auto left = nft.run("", [this]() -> Status {
    owner_.reset();
    return {};
  });
}

std::uint64_t TracePlace::drain(const std::function<void(std::vector<TraceEvent>)>& take) {
  std::uint64_t lost = 0;
  std::array<std::uint8_t, kDatagramBytes>
      buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): as much as is read
  while (true) {
    const auto size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == ENOBUFS) {  // the kernel had no room for some: how many it does not tell
      ++lost;
      continue;
    }
    if (size < 0) return lost;
    auto events = read_trace_events(std::span(buffer).first(static_cast<std::size_t>(size)));
    if (events) {
      take(std::move(*events));
    } else {
      ++lost;
    }
  }
}

}  // namespace conntruth::observe
