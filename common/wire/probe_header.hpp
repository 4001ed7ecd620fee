#pragma once
// The 64 bytes that a probe and its answer carry as UDP payload or at the start of a TCP stream, all big-endian:
//
//    0  magic 0x637470A7            4  version 1      5  kind (1 request, 2 answer)      6  flags (bit 0: crafted, bit
//    1: kept) 8  probe id (64 bits)
//   16  responder id (0 in a request)
//   20  family of the two addresses (0 in a request, 4 or 6)   21..23  zero
//   24  seen source port           26  seen destination port
//   28  seen source address (16)   44  seen destination address (16); IPv4 in the first four bytes, rest zero
//   60  CRC32c of bytes 0..59, so that a damaged identity is none
//
// Pure.

#include <array>
#include <cstdint>
#include <optional>

#include "common/model/probe.hpp"
#include "common/wire/bytes.hpp"

namespace conntruth::wire {

inline constexpr std::uint32_t kProbeMagic = 0x637470A7U;
inline constexpr std::size_t kProbeHeaderSize = 64;

enum class ProbeKind : std::uint8_t { kRequest = 1, kAnswer = 2 };

// Who answers, and what the probe looked like there.
struct Identity {
  std::uint32_t responder = 0;
  SocketAddress seen_source;
  SocketAddress seen_destination;
  bool operator==(const Identity&) const = default;
};

struct ProbeHeader {
  ProbeKind kind = ProbeKind::kRequest;
  bool crafted = false;  // sent by a raw socket; echoed, so that a filter can tell whose answer it is
  bool kept = false;     // TCP stream: more requests follow over this connection, the answerer must not close it
  ProbeId id = 0;
  Identity identity;  // answers only; its two addresses have one family
  bool operator==(const ProbeHeader&) const = default;
};

using ProbeHeaderBytes = std::array<std::uint8_t, kProbeHeaderSize>;

[[nodiscard]] ProbeHeaderBytes encode(const ProbeHeader& header);
// nullopt for anything but a whole, undamaged header of this version; bytes behind it are ignored.
[[nodiscard]] std::optional<ProbeHeader> decode_probe_header(Bytes bytes);

}  // namespace conntruth::wire
