#pragma once
// A half-open SCTP probe (RFC 9260 §3.3.2, §3.3.3, §3.3.7): identity inside INIT and INIT-ACK.
//
// INIT: initiate tag = tag_of(id), and a parameter of type 0xB7A7 (high bits 10: a stack that does not know it skips it
// silently) with the probe header as a request. INIT-ACK: verification tag = the INIT's initiate tag; its state cookie
// is the probe header as an answer. A refusal is an ABORT with the INIT's initiate tag as verification tag. Pure.

#include <optional>

#include "common/wire/packet.hpp"
#include "common/wire/probe_header.hpp"

namespace conntruth::wire {

// Never 0, which an initiate tag must not be; invertible but for the last sequence number, which is never used.
[[nodiscard]] constexpr std::uint32_t tag_of(ProbeId id) { return sequence_of(id) + 1; }
[[nodiscard]] constexpr std::uint32_t sequence_of_tag(std::uint32_t tag) { return tag - 1; }

[[nodiscard]] std::size_t build_init(MutableBytes out, const Endpoints& flow, ProbeId id);
// `flow` is the answer's direction; the seen source and destination are its reverse.
[[nodiscard]] std::size_t build_init_ack(MutableBytes out, const Endpoints& flow, ProbeId id, std::uint32_t responder);
[[nodiscard]] std::size_t build_abort(MutableBytes out, const Endpoints& flow, std::uint32_t tag);

struct SctpInit {
  std::uint32_t initiate_tag = 0;
  std::optional<ProbeId> id;  // nullopt: somebody else's INIT
};
[[nodiscard]] std::optional<SctpInit> parse_init(const SctpPacket& packet);

// The answer's id and identity; nullopt for any other chunk, a wrong tag, or a cookie that is not ours.
[[nodiscard]] std::optional<ProbeHeader> parse_init_ack(const SctpPacket& packet);
[[nodiscard]] bool is_abort(const SctpPacket& packet);

}  // namespace conntruth::wire
