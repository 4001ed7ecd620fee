#pragma once
// Whole packets: IPv4 (RFC 791), IPv6 (RFC 8200), UDP (RFC 768), TCP (RFC 9293), SCTP (RFC 9260), ICMP errors (RFC 792,
// RFC 4443). Builders fill every checksum; parsers check every bound and never read beyond what they are given.
// Pure; no allocation. IPv6 extension headers and IPv4 fragments other than the first are not parsed: nullopt.

#include <cstdint>
#include <optional>

#include "common/address.hpp"
#include "common/wire/bytes.hpp"

namespace conntruth::wire {

inline constexpr std::size_t kMaxPacket = 256;  // what our own packets need at most
inline constexpr std::uint8_t kTtl = 64;

namespace tcp {
inline constexpr std::uint8_t kFin = 0x01;
inline constexpr std::uint8_t kSyn = 0x02;
inline constexpr std::uint8_t kRst = 0x04;
inline constexpr std::uint8_t kAck = 0x10;
}  // namespace tcp

// One direction of a flow; both addresses have one family.
struct Endpoints {
  SocketAddress source;
  SocketAddress destination;
  bool operator==(const Endpoints&) const = default;
};

struct TcpHeader {
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  Bytes options;  // a multiple of four bytes, at most 40
};

// Builders write an IP packet to `out` and return its size, or 0 where it does not fit or families differ.
[[nodiscard]] std::size_t build_udp(MutableBytes out, const Endpoints& flow, Bytes payload);
[[nodiscard]] std::size_t build_tcp(MutableBytes out, const Endpoints& flow, const TcpHeader& header,
                                    Bytes payload = {});
// `chunks` is the rest of the packet after the common header.
[[nodiscard]] std::size_t build_sctp(MutableBytes out, const Endpoints& flow, std::uint32_t tag, Bytes chunks);

struct IpPacket {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  Bytes payload;  // cut to the length in the header, or shorter where the packet itself was cut (quoted in an ICMP)
};
[[nodiscard]] std::optional<IpPacket> parse_ip(Bytes packet);

struct TcpSegment {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  TcpHeader header;
  Bytes payload;
};
[[nodiscard]] std::optional<TcpSegment> parse_tcp(Bytes segment);

struct UdpDatagram {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  Bytes payload;
};
[[nodiscard]] std::optional<UdpDatagram> parse_udp(Bytes datagram);

struct SctpPacket {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t tag = 0;
  Bytes chunks;
};
[[nodiscard]] std::optional<SctpPacket> parse_sctp(Bytes packet);  // does not look at the checksum

// An ICMP error and what is left of the packet that it is about. `quoted` has at least the eight bytes that every
// router must quote (RFC 792); NAT has translated it back to what was sent.
struct IcmpError {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint8_t protocol = 0;
  Endpoints flow;  // of the quoted packet
  Bytes quoted;    // its transport header and what follows
};
// `message` starts at the ICMP type. nullopt for anything but an error that quotes TCP, UDP or SCTP.
[[nodiscard]] std::optional<IcmpError> parse_icmp_error(Family family, Bytes message);

}  // namespace conntruth::wire
