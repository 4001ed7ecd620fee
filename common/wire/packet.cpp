#include "common/wire/packet.hpp"

#include "common/wire/checksum.hpp"

namespace conntruth::wire {

namespace {

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kSctpHeader = 12;
constexpr std::size_t kIcmpHeader = 8;

void put_ipv4(MutableBytes packet, const Endpoints& flow, Protocol protocol) {
  std::ranges::fill(packet.first(kIpv4Header), std::uint8_t{0});
  packet[0] = 0x45;
  store16(packet, 2, static_cast<std::uint16_t>(packet.size()));
  store16(packet, 6, 0x4000);  // don't fragment; identification 0 lets the kernel choose (RFC 6864)
  packet[8] = kTtl;
  packet[9] = static_cast<std::uint8_t>(protocol);
  store_address(packet, 12, flow.source.address);
  store_address(packet, 16, flow.destination.address);
  store16(packet, 10, internet_checksum(packet.first(kIpv4Header)));
}

void put_ipv6(MutableBytes packet, const Endpoints& flow, Protocol protocol) {
  store32(packet, 0, 0x60000000U);
  store16(packet, 4, static_cast<std::uint16_t>(packet.size() - kIpv6Header));
  packet[6] = static_cast<std::uint8_t>(protocol);
  packet[7] = kTtl;
  store_address(packet, 8, flow.source.address);
  store_address(packet, 24, flow.destination.address);
}

// Puts the IP header and the ports in front; the transport part of `size` bytes, or nothing where it does not fit.
MutableBytes begin_packet(MutableBytes out, const Endpoints& flow, Protocol protocol, std::size_t size) {
  const auto family = flow.source.address.family();
  const std::size_t header = family == Family::kIpv4 ? kIpv4Header : kIpv6Header;
  if (family != flow.destination.address.family() || out.size() < header + size || size > 0xFFFF - header) return {};
  const auto packet = out.first(header + size);
  if (family == Family::kIpv4) {
    put_ipv4(packet, flow, protocol);
  } else {
    put_ipv6(packet, flow, protocol);
  }
  const auto transport = packet.subspan(header);
  store16(transport, 0, flow.source.port);
  store16(transport, 2, flow.destination.port);
  return transport;
}

std::size_t whole_size(const Endpoints& flow, MutableBytes transport) {
  return (flow.source.address.family() == Family::kIpv4 ? kIpv4Header : kIpv6Header) + transport.size();
}

void put_checksum(MutableBytes transport, std::size_t at, const Endpoints& flow, Protocol protocol) {
  store16(transport, at, 0);
  const auto sum =
      transport_checksum(flow.source.address, flow.destination.address, static_cast<std::uint8_t>(protocol), transport);
  // UDP means "no checksum" by 0, so a sum of 0 is sent as its equal (RFC 768); harmless for TCP only if left alone.
  store16(transport, at, sum == 0 && protocol == Protocol::kUdp ? std::uint16_t{0xFFFF} : sum);
}

std::optional<IpPacket> parse_ipv4(Bytes packet) {
  if (packet.size() < kIpv4Header) return std::nullopt;
  const std::size_t header = (packet[0] & 0x0FU) * 4U;
  const std::size_t total = load16(packet, 2);
  const bool later_fragment = (load16(packet, 6) & 0x1FFFU) != 0;
  if (header < kIpv4Header || header > packet.size() || total < header || later_fragment) return std::nullopt;
  return IpPacket{.source = load_address(packet, 12, Family::kIpv4),
                  .destination = load_address(packet, 16, Family::kIpv4),
                  .protocol = packet[9],
                  .payload = packet.first(std::min(total, packet.size())).subspan(header)};
}

std::optional<IpPacket> parse_ipv6(Bytes packet) {
  if (packet.size() < kIpv6Header) return std::nullopt;
  const auto payload = packet.subspan(kIpv6Header);
  return IpPacket{.source = load_address(packet, 8, Family::kIpv6),
                  .destination = load_address(packet, 24, Family::kIpv6),
                  .protocol = packet[6],
                  .payload = payload.first(std::min<std::size_t>(load16(packet, 4), payload.size()))};
}

// Types that quote the packet they are about.
bool is_error(Family family, std::uint8_t type) {
  if (family == Family::kIpv6) return type >= 1 && type <= 4;
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

bool has_ports(std::uint8_t protocol) {
  return protocol == static_cast<std::uint8_t>(Protocol::kTcp) ||
         protocol == static_cast<std::uint8_t>(Protocol::kUdp) ||
         protocol == static_cast<std::uint8_t>(Protocol::kSctp);
}

}  // namespace

std::size_t build_udp(MutableBytes out, const Endpoints& flow, Bytes payload) {
  const auto transport = begin_packet(out, flow, Protocol::kUdp, kUdpHeader + payload.size());
  if (transport.empty()) return 0;
  store16(transport, 4, static_cast<std::uint16_t>(transport.size()));
  std::ranges::copy(payload, transport.begin() + kUdpHeader);
  put_checksum(transport, 6, flow, Protocol::kUdp);
  return whole_size(flow, transport);
}

std::size_t build_tcp(MutableBytes out, const Endpoints& flow, const TcpHeader& header, Bytes payload) {
  const auto options = header.options.size();
  if (options % 4 != 0 || options > 40) return 0;
  const auto transport = begin_packet(out, flow, Protocol::kTcp, kTcpHeader + options + payload.size());
  if (transport.empty()) return 0;
  store32(transport, 4, header.sequence);
  store32(transport, 8, header.acknowledgement);
  transport[12] = static_cast<std::uint8_t>((kTcpHeader + options) / 4 << 4U);
  transport[13] = header.flags;
  store16(transport, 14, header.window);
  store16(transport, 18, 0);  // urgent pointer
  std::ranges::copy(header.options, transport.begin() + kTcpHeader);
  std::ranges::copy(payload, transport.begin() + static_cast<std::ptrdiff_t>(kTcpHeader + options));
  put_checksum(transport, 16, flow, Protocol::kTcp);
  return whole_size(flow, transport);
}

std::size_t build_sctp(MutableBytes out, const Endpoints& flow, std::uint32_t tag, Bytes chunks) {
  const auto transport = begin_packet(out, flow, Protocol::kSctp, kSctpHeader + chunks.size());
  if (transport.empty()) return 0;
  store32(transport, 4, tag);
  std::ranges::copy(chunks, transport.begin() + kSctpHeader);
  store32(transport, 8, sctp_checksum(transport));
  return whole_size(flow, transport);
}

std::optional<IpPacket> parse_ip(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  switch (packet[0] >> 4U) {
    case 4:
      return parse_ipv4(packet);
    case 6:
      return parse_ipv6(packet);
  }
  return std::nullopt;
}

std::optional<TcpSegment> parse_tcp(Bytes segment) {
  if (segment.size() < kTcpHeader) return std::nullopt;
  const std::size_t header = (segment[12] >> 4U) * 4U;
  if (header < kTcpHeader || header > segment.size()) return std::nullopt;
  return TcpSegment{.source_port = load16(segment, 0),
                    .destination_port = load16(segment, 2),
                    .header = {.sequence = load32(segment, 4),
                               .acknowledgement = load32(segment, 8),
                               .flags = segment[13],
                               .window = load16(segment, 14),
                               .options = segment.first(header).subspan(kTcpHeader)},
                    .payload = segment.subspan(header)};
}

std::optional<UdpDatagram> parse_udp(Bytes datagram) {
  if (datagram.size() < kUdpHeader) return std::nullopt;
  const std::size_t length = load16(datagram, 4);
  if (length < kUdpHeader || length > datagram.size()) return std::nullopt;
  return UdpDatagram{.source_port = load16(datagram, 0),
                     .destination_port = load16(datagram, 2),
                     .payload = datagram.first(length).subspan(kUdpHeader)};
}

std::optional<SctpPacket> parse_sctp(Bytes packet) {
  if (packet.size() < kSctpHeader) return std::nullopt;
  return SctpPacket{.source_port = load16(packet, 0),
                    .destination_port = load16(packet, 2),
                    .tag = load32(packet, 4),
                    .chunks = packet.subspan(kSctpHeader)};
}

std::optional<IcmpError> parse_icmp_error(Family family, Bytes message) {
  if (message.size() < kIcmpHeader || !is_error(family, message[0])) return std::nullopt;
  const auto quoted = parse_ip(message.subspan(kIcmpHeader));
  if (!quoted || quoted->source.family() != family || quoted->payload.size() < 8 || !has_ports(quoted->protocol)) {
    return std::nullopt;
  }
  return IcmpError{.type = message[0],
                   .code = message[1],
                   .protocol = quoted->protocol,
                   .flow = {.source = {quoted->source, load16(quoted->payload, 0)},
                            .destination = {quoted->destination, load16(quoted->payload, 2)}},
                   .quoted = quoted->payload};
}

}  // namespace conntruth::wire
