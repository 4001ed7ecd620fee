#include "agent/observe/walk_check.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "agent/io/socket.hpp"
#include "agent/observe/walk_programs.hpp"
#include "common/wire/tcp_probe.hpp"

namespace conntruth::observe {

namespace {

// Each packet's number: the family's, and what becomes of it.
constexpr std::uint32_t kDelivered = 0x100;
constexpr std::uint32_t kRefused = 0x200;
constexpr std::uint32_t kSyn = 0x300;

ProbeId id_of(std::uint32_t kind, Family family) {
  return probe_id(kCheckTask, kind + static_cast<std::uint32_t>(family));
}

IpAddress loopback(Family family) {
  return family == Family::kIpv4 ? IpAddress::v4({127, 0, 0, 1}) : *IpAddress::parse("::1");
}

struct Bound {
  io::Fd socket;
  SocketAddress address;
};
// At a port of the kernel's choice.
Result<Bound> bound_socket(Family family) {
  auto socket = io::open_socket(io::domain_of(family), SOCK_DGRAM, 0);
  if (!socket) return std::unexpected(socket.error());
  if (auto bound = io::bind_to(socket->get(), {loopback(family), 0}); !bound) return std::unexpected(bound.error());
  const auto address = io::local_address(socket->get());
  if (!address) return fail(ErrorCode::kInternal, "a socket without an address");
  return Bound{std::move(*socket), *address};
}

Status send_request(const Bound& from, const SocketAddress& target, ProbeId id) {
  const auto payload = wire::encode(wire::ProbeHeader{.id = id, .identity = {}});
  const auto address = io::to_kernel(target);
  if (sendto(from.socket.get(), payload.data(), payload.size(), 0, &address.base, io::size_of(address)) >= 0) return {};
  return fail_errno("send over the loopback device", errno);
}

}  // namespace

Result<WalkCheck> WalkCheck::send(const Has& has, const std::function<bool(Family)>& hooks) {
  WalkCheck check;
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    auto sent = check.send_delivered(family);
    if (sent) sent = check.send_refused(family);
    if (!sent) {
      check.untried_.push_back(fmt::format("{} is unchecked: {}", to_string(family), sent.error().message));
      continue;
    }
    check.demand_way(family, has, hooks(family));
    check.demand_refusal(family, has);
  }
  if (check.demands_.empty()) return fail(ErrorCode::kUnavailable, fmt::format("{}", fmt::join(check.untried_, "; ")));
  if (!has("reset")) return check;
  if (auto sent = check.send_syn(); !sent) {
    check.untried_.push_back("RSTs are unchecked: " + sent.error().message);
    return check;
  }
  const auto id = id_of(kSyn, Family::kIpv4);
  check.demand("the RST to a SYN", id, false, [](const Hop& hop) { return hop.kind == HopKind::kReset; });
  if (has("device_in")) {
    check.demand("a RST on its way back", id, true, [](const Hop& hop) { return hop.kind == HopKind::kDeviceIn; });
  }
  return check;
}

void WalkCheck::take(const Hop& hop) {
  // A rule of the node's own that throws one of these packets away is no fault of the walk, which saw just that.
  const bool ended = hop.kind == HopKind::kDropped && hop.reason != "NO_SOCKET";
  for (auto& each : demands_) {
    if (each.probe != hop.probe || each.answer != hop.answer) continue;
    each.met = each.met || ended || each.fits(hop);
  }
}

std::vector<std::string> WalkCheck::missing() const {
  std::vector<std::string> words;
  for (const auto& each : demands_) {
    if (!each.met) words.push_back(each.words);
  }
  return words;
}

void WalkCheck::demand_way(Family family, const Has& has, bool hooks) {
  const auto id = id_of(kDelivered, family);
  const auto at_device = [&](const char* program, HopKind kind) {
    if (!has(program)) return;
    demand(fmt::format("{} {}", to_string(family), to_string(kind)), id, false,
           [=](const Hop& hop) { return hop.kind == kind && hop.device == "lo"; });
  };
  at_device("device_out", HopKind::kDeviceOut);
  at_device("device_in", HopKind::kDeviceIn);
  if (!hooks) return;
  for (const auto& lookout : lookouts()) {
    if (lookout.hook == NetfilterHook::kForward) continue;
    demand(fmt::format("{} {} at {}", to_string(family), to_string(lookout.hook), lookout.priority), id, false,
           [=](const Hop& hop) {
             return hop.kind == HopKind::kHook && hop.hook == lookout.hook && hop.priority == lookout.priority;
           });
  }
}

void WalkCheck::demand_refusal(Family family, const Has& has) {
  const auto id = id_of(kRefused, family);
  if (has("dropped") || has("dropped_without_reason")) {
    demand(fmt::format("{} dropped", to_string(family)), id, false,
           [](const Hop& hop) { return hop.kind == HopKind::kDropped; });
  }
  if (has("icmp_error") && family == Family::kIpv4) {
    demand("the ICMP error to a closed port", id, false,
           [](const Hop& hop) { return hop.kind == HopKind::kIcmpError && hop.icmp_type == 3; });
  }
  if (!has("device_in")) return;
  demand(fmt::format("{} ICMP error on its way back", to_string(family)), id, true,
         [](const Hop& hop) { return hop.kind == HopKind::kDeviceIn; });
}

Status WalkCheck::send_delivered(Family family) {
  const auto from = bound_socket(family);
  if (!from) return std::unexpected(from.error());
  const auto to = bound_socket(family);
  if (!to) return std::unexpected(to.error());
  return send_request(*from, to->address, id_of(kDelivered, family));
}

// Where a socket was a moment ago, nobody listens.
Status WalkCheck::send_refused(Family family) {
  const auto from = bound_socket(family);
  if (!from) return std::unexpected(from.error());
  SocketAddress closed;
  {
    const auto to = bound_socket(family);
    if (!to) return std::unexpected(to.error());
    closed = to->address;
  }
  return send_request(*from, closed, id_of(kRefused, family));
}

// From a port that a socket of UDP has, to one that had one: of TCP nobody has either.
Status WalkCheck::send_syn() {
  const auto from = bound_socket(Family::kIpv4);
  if (!from) return std::unexpected(from.error());
  const auto to = bound_socket(Family::kIpv4);
  if (!to) return std::unexpected(to.error());
  const auto raw = io::open_raw_sender(Family::kIpv4);
  if (!raw) return std::unexpected(raw.error());
  std::array<std::uint8_t, wire::kMaxPacket> packet{};
  const auto size = wire::build_syn(packet, {from->address, to->address}, id_of(kSyn, Family::kIpv4));
  const auto address = io::to_kernel({to->address.address, 0});
  if (sendto(raw->get(), packet.data(), size, 0, &address.base, io::size_of(address)) >= 0) return {};
  return fail_errno("send a SYN over the loopback device", errno);
}

}  // namespace conntruth::observe
