#include "agent/observe/hop_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "bpf/abi/hop_event.h"

namespace conntruth::observe {

namespace {

std::unexpected<Error> wrong(const std::string& what) {
  return fail(ErrorCode::kInvalidInput, "an event of the packet walk: " + what);
}

bool is_protocol(std::uint8_t number) {
  const auto fits = [=](Protocol known) { return number == static_cast<std::uint8_t>(known); };
  return fits(Protocol::kTcp) || fits(Protocol::kUdp) || fits(Protocol::kSctp);
}

IpAddress address_of(const abi::u8 (&bytes)[16], std::uint8_t family) {
  if (family == 4) return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  std::array<std::uint8_t, 16> all{};
  std::ranges::copy(bytes, all.begin());
  return IpAddress::v6(all);
}

SocketAddress source_of(const abi::hop_flow& flow) { return {address_of(flow.source, flow.family), flow.source_port}; }
SocketAddress destination_of(const abi::hop_flow& flow) {
  return {address_of(flow.destination, flow.family), flow.destination_port};
}

bool is_family(std::uint8_t family) { return family == 4 || family == 6; }

Status check(const abi::hop_event& event, const HopNames& names) {
  if (event.kind < abi::HOP_DEVICE_IN || event.kind > abi::HOP_RESET) return wrong("of no known kind");
  if (event.place >= names.places.size()) return wrong("of a network namespace that was not looked at");
  if (!is_family(event.flow.family)) return wrong("of neither IPv4 nor IPv6");
  if (!is_protocol(event.flow.protocol)) return wrong("of no known protocol");
  if (event.hook > abi::u8(NetfilterHook::kPostrouting)) return wrong("of no known hook");
  if (event.ct_info > abi::HOP_CT_REPLY) return wrong("of no known state of connection tracking");
  if (event.answer > 1) return wrong("neither of a probe nor of an answer");
  for (const auto& tuple : {event.original, event.reply}) {
    if (tuple.family != 0 && !is_family(tuple.family)) return wrong("with an entry of neither IPv4 nor IPv6");
  }
  return {};
}

HopConntrack conntrack_of(const abi::hop_event& event) {
  HopConntrack conntrack{.info = static_cast<ConntrackInfo>(event.ct_info),
                         .status = event.ct_status,
                         .zone = event.ct_zone,
                         .mark = event.ct_mark,
                         .original_source = {},
                         .original_destination = {},
                         .reply_source = {},
                         .reply_destination = {}};
  if (event.original.family != 0) {
    conntrack.original_source = source_of(event.original);
    conntrack.original_destination = destination_of(event.original);
  }
  if (event.reply.family != 0) {
    conntrack.reply_source = source_of(event.reply);
    conntrack.reply_destination = destination_of(event.reply);
  }
  return conntrack;
}

std::string device_of(const abi::hop_event& event) {
  const std::string_view all(event.device, sizeof event.device);
  return std::string(all.substr(0, all.find('\0')));
}

// Of events with bytes, these; their length was the kernel's program's to bound, and is not trusted.
std::string packet_of(std::span<const std::uint8_t> bytes) {
  abi::packet_event event{};
  if (bytes.size() < sizeof event) return {};
  std::memcpy(&event, bytes.data(), sizeof event);
  const auto size = std::min<std::size_t>(event.size, sizeof event.bytes);
  return {reinterpret_cast<const char*>(event.bytes), size};
}

}  // namespace

Result<Hop> read_hop(std::span<const std::uint8_t> bytes, const HopNames& names) {
  abi::hop_event event{};
  if (bytes.size() < sizeof event) return wrong("cut short");
  std::memcpy(&event, bytes.data(), sizeof event);
  if (auto checked = check(event, names); !checked) return std::unexpected(checked.error());
  Hop hop{.probe = event.probe,
          .kind = static_cast<HopKind>(event.kind),
          .answer = event.answer == 1,
          .at_ns = static_cast<std::int64_t>(event.at_ns),
          .place = names.places[event.place],
          .device = device_of(event),
          .protocol = static_cast<Protocol>(event.flow.protocol),
          .source = source_of(event.flow),
          .destination = destination_of(event.flow),
          .hook = static_cast<NetfilterHook>(event.hook),
          .priority = event.priority,
          .conntrack = conntrack_of(event),
          .reason = {},
          .function = {},
          .icmp_type = event.icmp_type,
          .icmp_code = event.icmp_code,
          .packet = {}};
  if (hop.kind == HopKind::kDeviceIn || hop.kind == HopKind::kDeviceOut) hop.packet = packet_of(bytes);
  if (hop.kind == HopKind::kDropped) {
    hop.reason = names.reason ? names.reason(event.reason) : "";
    if (hop.reason.empty()) hop.reason = std::to_string(event.reason);
    if (names.function) hop.function = names.function(event.location);
  }
  return hop;
}

}  // namespace conntruth::observe
