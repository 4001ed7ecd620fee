#include "tests/bpf/make_packet.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>

#include "common/wire/sctp_probe.hpp"
#include "common/wire/tcp_probe.hpp"

namespace conntruth::tests {

namespace {

using Raw = std::vector<std::uint8_t>;

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kSctp = 132;
constexpr std::uint8_t kPush = 0x08;
constexpr std::uint32_t kResponder = 7;
constexpr std::uint32_t kSequence = 1000;  // of the segment with a request
constexpr std::size_t kRoom = 512;

wire::Endpoints back(const wire::Endpoints& flow) { return {flow.destination, flow.source}; }

std::size_t ip_header(const Raw& packet) { return packet[0] >> 4U == 4 ? (packet[0] & 15U) * 4U : 40U; }

Raw header_of(const PacketOwner& owner, wire::ProbeKind kind) {
  wire::ProbeHeader header{.kind = kind, .crafted = true, .id = owner.id, .identity = {}};
  if (kind == wire::ProbeKind::kAnswer) header.identity = {kResponder, owner.flow.source, owner.flow.destination};
  const auto bytes = wire::encode(header);
  return {bytes.begin(), bytes.end()};
}

template <typename Build>
Raw built(const Build& build) {
  Raw bytes(kRoom);
  bytes.resize(build(wire::MutableBytes(bytes)));
  if (bytes.empty()) throw std::invalid_argument("a packet that does not fit");
  return bytes;
}

void put_length(Raw& packet) {
  if (packet[0] >> 4U == 4) {
    wire::store16(packet, 2, static_cast<std::uint16_t>(packet.size()));
  } else {
    wire::store16(packet, 4, static_cast<std::uint16_t>(packet.size() - 40));
  }
}

// An IP packet of ICMP with those bytes behind the first eight of the message.
Raw icmp_packet(const wire::Endpoints& flow, IcmpMessage message, wire::Bytes content) {
  const bool v4 = flow.source.address.family() == Family::kIpv4;
  Raw body(8);
  body[0] = message.type;
  body[1] = message.code;
  body.insert(body.end(), content.begin(), content.end());
  // The IP header of a UDP packet without content, whose eight bytes give way.
  Raw packet = built([&](wire::MutableBytes out) { return wire::build_udp(out, flow, {}); });
  packet[v4 ? 9 : 6] = v4 ? 1 : 58;
  packet.resize(v4 ? 20 : 40);
  packet.insert(packet.end(), body.begin(), body.end());
  put_length(packet);
  return packet;
}

std::size_t at(const PacketPoint& point, const Raw& packet) {
  std::size_t from = 0;
  if (point.layer != "ip" && !point.layer.empty()) from = ip_header(packet);
  const std::uint8_t protocol = packet[packet[0] >> 4U == 4 ? 9 : 6];
  if (point.layer == "payload") {
    if (protocol == kTcp)
      from += (packet[from + 12] >> 4U) * 4U;
    else
      from += protocol == kSctp ? 12 : 8;
  } else if (point.layer != "ip" && point.layer != "transport" && !point.layer.empty()) {
    throw std::invalid_argument("layer: " + point.layer);
  }
  if (point.offset < 0) from = packet.size();
  return from + static_cast<std::size_t>(static_cast<std::ptrdiff_t>(point.offset));
}

void put_between(Raw& packet, std::size_t where, std::size_t size, std::uint8_t filling) {
  packet.insert(packet.begin() + static_cast<std::ptrdiff_t>(where), size, filling);
}

void reshape(Raw& packet, const PacketRecipe& recipe) {
  const bool v4 = packet[0] >> 4U == 4;
  // Points of `set` and `cut` are those of the message before.
  Raw before = packet;
  for (const auto& [point, bytes] : recipe.set)
    std::ranges::copy(bytes, packet.begin() + static_cast<std::ptrdiff_t>(at(point, before)));
  if (recipe.protocol) packet[v4 ? 9 : 6] = *recipe.protocol;
  if (recipe.options > 0) {
    put_between(packet, 20, recipe.options, 1);
    packet[0] = static_cast<std::uint8_t>(packet[0] + recipe.options / 4);
  }
  if (recipe.extension) {
    put_between(packet, 40, 8, 0);
    packet[40] = packet[6];
    packet[6] = *recipe.extension;
  }
  if (recipe.bare) packet.resize(at({"payload", 0}, before));
  if (recipe.size) packet.resize(*recipe.size);
  put_length(packet);
  if (recipe.cut) packet.resize(at(*recipe.cut, before));
}

}  // namespace

PacketOwner PacketOwner::of_case(std::size_t number, Family family) {
  const auto port = static_cast<std::uint16_t>(20'000 + number);
  const auto id =
      probe_id(static_cast<std::uint32_t>(0x41C0'0000U + number), family == Family::kIpv4 ? 0x1004 : 0x1006);
  if (family == Family::kIpv4)
    return {id, {{IpAddress::v4({10, 1, 0, 2}), port}, {IpAddress::v4({10, 96, 0, 10}), 80}}};
  return {id, {{*IpAddress::parse("fd01::2"), port}, {*IpAddress::parse("fd96::a"), 80}}};
}

MadePacket make_message(const std::string& message, const PacketOwner& owner) {
  const auto& flow = owner.flow;
  const auto request = [&] { return header_of(owner, wire::ProbeKind::kRequest); };
  const auto answer = [&] { return header_of(owner, wire::ProbeKind::kAnswer); };
  const auto low = sequence_of(owner.id);
  const auto udp = [&](const wire::Endpoints& way, const Raw& payload) {
    return MadePacket{built([&](auto out) { return wire::build_udp(out, way, payload); }), way, kUdp, {}};
  };
  const auto tcp = [&](const wire::Endpoints& way, const wire::TcpHeader& header, const Raw& payload) {
    return MadePacket{built([&](auto out) { return wire::build_tcp(out, way, header, payload); }), way, kTcp, {}};
  };
  const auto own = [&](const wire::Endpoints& way, std::uint8_t protocol, const auto& build) {
    return MadePacket{built(build), way, protocol, {}};
  };
  const std::uint32_t behind = kSequence + wire::kProbeHeaderSize;
  if (message == "udp-request") return udp(flow, request());
  if (message == "udp-answer") return udp(back(flow), answer());
  if (message == "udp-other") return udp(flow, Raw(wire::kProbeHeaderSize));
  if (message == "syn") return own(flow, kTcp, [&](auto out) { return wire::build_syn(out, flow, owner.id); });
  if (message == "syn-ack")
    return own(back(flow), kTcp, [&](auto out) { return wire::build_syn_ack(out, back(flow), owner.id, kResponder); });
  if (message == "rst")
    return tcp(back(flow), {.acknowledgement = low + 1, .flags = wire::tcp::kRst | wire::tcp::kAck, .options = {}}, {});
  if (message == "segment")
    return tcp(flow, {.sequence = kSequence, .acknowledgement = 2000, .flags = wire::tcp::kAck | kPush, .options = {}},
               request());
  if (message == "segment-answer")
    return tcp(back(flow),
               {.sequence = 2000, .acknowledgement = behind, .flags = wire::tcp::kAck | kPush, .options = {}},
               answer());
  if (message == "segment-reply")
    return tcp(back(flow),
               {.sequence = 2000, .acknowledgement = behind, .flags = wire::tcp::kAck | kPush, .options = {}}, Raw(64));
  if (message == "init") return own(flow, kSctp, [&](auto out) { return wire::build_init(out, flow, owner.id); });
  if (message == "init-ack")
    return own(back(flow), kSctp,
               [&](auto out) { return wire::build_init_ack(out, back(flow), owner.id, kResponder); });
  if (message == "abort")
    return own(back(flow), kSctp, [&](auto out) { return wire::build_abort(out, back(flow), wire::tag_of(owner.id)); });
  if (message == "echo") {
    const bool v4 = flow.source.address.family() == Family::kIpv4;
    return {
        icmp_packet(flow, {.type = v4 ? std::uint8_t{8} : std::uint8_t{128}, .code = 0}, udp(flow, request()).bytes),
        flow,
        0,
        {}};
  }
  throw std::invalid_argument("message: " + message);
}

MadePacket make_packet(const PacketRecipe& recipe, const PacketOwner& owner) {
  auto made = make_message(recipe.message, owner);
  reshape(made.bytes, recipe);
  if (recipe.error.empty()) return made;
  made.icmp = recipe.error.at(owner.flow.source.address.family());
  made.flow = back(made.flow);
  made.flow.source.port = 0;
  made.flow.destination.port = 0;
  made.bytes.resize(std::min(made.bytes.size(), ip_header(made.bytes) + recipe.quotes));
  made.bytes = icmp_packet(made.flow, made.icmp, made.bytes);
  return made;
}

}  // namespace conntruth::tests
