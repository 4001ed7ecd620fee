// Hops of the packet walk, a message each.
#include "common/codec/session_codec.hpp"
#include "common/codec/tables.hpp"

namespace conntruth::codec {

namespace {

std::unexpected<Error> wrong(std::string_view what) { return fail(ErrorCode::kInvalidInput, std::string(what)); }

void put_conntrack(const HopConntrack& conntrack, WriteTables& tables, v1::HopConntrack& message) {
  message.set_info(static_cast<v1::ConntrackInfo>(conntrack.info));
  message.set_status(conntrack.status);
  message.set_zone(conntrack.zone);
  message.set_mark(conntrack.mark);
  message.set_original_source(tables.sockets.index(conntrack.original_source));
  message.set_original_destination(tables.sockets.index(conntrack.original_destination));
  message.set_reply_source(tables.sockets.index(conntrack.reply_source));
  message.set_reply_destination(tables.sockets.index(conntrack.reply_destination));
}

Result<HopConntrack> take_conntrack(const v1::HopConntrack& message, Lookup& lookup) {
  if (!v1::ConntrackInfo_IsValid(message.info())) return wrong("conntrack: info: unknown");
  if (message.zone() > 65535) return wrong("conntrack: zone: out of range 0..65535");
  return HopConntrack{.info = static_cast<ConntrackInfo>(message.info()),
                      .status = message.status(),
                      .zone = static_cast<std::uint16_t>(message.zone()),
                      .mark = message.mark(),
                      .original_source = lookup.socket(message.original_source(), "original_source"),
                      .original_destination = lookup.socket(message.original_destination(), "original_destination"),
                      .reply_source = lookup.socket(message.reply_source(), "reply_source"),
                      .reply_destination = lookup.socket(message.reply_destination(), "reply_destination")};
}

Status check_ranges(const v1::Hop& message) {
  if (message.kind() == v1::HOP_KIND_UNSPECIFIED || !v1::HopKind_IsValid(message.kind())) return wrong("kind: unknown");
  if (message.protocol() == v1::PROTOCOL_UNSPECIFIED || !v1::Protocol_IsValid(message.protocol()))
    return wrong("protocol: unknown");
  if (message.hook() > static_cast<std::uint32_t>(NetfilterHook::kPostrouting)) return wrong("hook: out of range 0..4");
  if (message.icmp() > 0xFFFF) return wrong("icmp: out of range 0..65535");
  if (message.packet().size() > kMaxHopPacket) return wrong("packet: longer than 256 bytes");
  return {};
}

}  // namespace

void put(const Hop& hop, WriteTables& tables, v1::Hop& message) {
  message.set_task(task_of(hop.probe));
  message.set_sequence(sequence_of(hop.probe));
  message.set_kind(static_cast<v1::HopKind>(hop.kind));
  message.set_answer(hop.answer);
  message.set_at_ns(hop.at_ns);
  message.set_place(text_index(hop.place, tables));
  message.set_device(text_index(hop.device, tables));
  message.set_protocol(static_cast<v1::Protocol>(hop.protocol));
  message.set_source(tables.sockets.index(hop.source));
  message.set_destination(tables.sockets.index(hop.destination));
  message.set_hook(static_cast<std::uint32_t>(hop.hook));
  message.set_priority(hop.priority);
  if (hop.conntrack != HopConntrack{}) put_conntrack(hop.conntrack, tables, *message.mutable_conntrack());
  message.set_reason(text_index(hop.reason, tables));
  message.set_function(text_index(hop.function, tables));
  message.set_icmp(hop.icmp_type * 256U + hop.icmp_code);
  message.set_packet(hop.packet.substr(0, kMaxHopPacket));
}

Result<Hop> take(const v1::Hop& message, const ReadTables& tables) {
  if (auto checked = check_ranges(message); !checked) return std::unexpected(checked.error());
  Lookup lookup(tables);
  Hop hop{.probe = probe_id(message.task(), message.sequence()),
          .kind = static_cast<HopKind>(message.kind()),
          .answer = message.answer(),
          .at_ns = message.at_ns(),
          .place = lookup.text(message.place(), "place"),
          .device = lookup.text(message.device(), "device"),
          .protocol = static_cast<Protocol>(message.protocol()),
          .source = lookup.socket(message.source(), "source"),
          .destination = lookup.socket(message.destination(), "destination"),
          .hook = static_cast<NetfilterHook>(message.hook()),
          .priority = message.priority(),
          .reason = lookup.text(message.reason(), "reason"),
          .function = lookup.text(message.function(), "function"),
          .icmp_type = static_cast<std::uint8_t>(message.icmp() >> 8U),
          .icmp_code = static_cast<std::uint8_t>(message.icmp() & 0xFFU),
          .packet = message.packet()};
  if (message.has_conntrack()) {
    auto conntrack = take_conntrack(message.conntrack(), lookup);
    if (!conntrack) return std::unexpected(conntrack.error());
    hop.conntrack = *conntrack;
  }
  if (!lookup.error().empty()) return wrong(lookup.error());
  return hop;
}

}  // namespace conntruth::codec
