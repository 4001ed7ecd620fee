#pragma once
// A half-open TCP probe: identity inside SYN and SYN-ACK, nothing above them.
//
// SYN: sequence number = low half of the id; options: experiment (kind 254, RFC 6994, 32-bit ExID = probe magic) first,
// at byte 20 of the header where filters look for it, MSS, timestamps with TSval = high half of the id.
// SYN-ACK: acknowledgement = sequence + 1; options (at most 40 bytes): timestamps with TSecr = high half of the id, and
// the experiment with responder id, seen source and, over IPv4 only (there is no room over IPv6), seen destination.
// Pure.

#include <optional>

#include "common/wire/packet.hpp"
#include "common/wire/probe_header.hpp"

namespace conntruth::wire {

inline constexpr std::size_t kSynOptionsSize = 24;
inline constexpr std::uint16_t kExperiment = 0xFE06;  // kind and length of the SYN's experiment option

[[nodiscard]] std::size_t build_syn(MutableBytes out, const Endpoints& flow, ProbeId id);
[[nodiscard]] std::optional<ProbeId> parse_syn(const TcpSegment& segment);

// `flow` is the answer's direction; the seen source and destination are its reverse.
[[nodiscard]] std::size_t build_syn_ack(MutableBytes out, const Endpoints& flow, ProbeId id, std::uint32_t responder);
struct TcpAnswer {
  ProbeId id = 0;
  Identity identity;  // seen_destination unspecified over IPv6
};
[[nodiscard]] std::optional<TcpAnswer> parse_syn_ack(const TcpSegment& segment);

}  // namespace conntruth::wire
