#include "common/wire/sctp_probe.hpp"

namespace conntruth::wire {

namespace {

constexpr std::uint8_t kInit = 1;
constexpr std::uint8_t kInitAck = 2;
constexpr std::uint8_t kAbort = 6;
constexpr std::size_t kInitSize = 20;  // chunk header and fixed fields
constexpr std::size_t kParameterHeader = 4;
constexpr std::size_t kChunkSize = kInitSize + kParameterHeader + kProbeHeaderSize;
constexpr std::uint16_t kStateCookie = 7;
constexpr std::uint16_t kProbeParameter = 0xB7A7;

std::array<std::uint8_t, kChunkSize> init_chunk(std::uint8_t type, std::uint32_t tag, std::uint16_t parameter,
                                                const ProbeHeader& header) {
  std::array<std::uint8_t, kChunkSize> chunk{};
  chunk[0] = type;
  store16(chunk, 2, kChunkSize);
  store32(chunk, 4, tag);
  store32(chunk, 8, 65536);  // advertised receiver window
  store16(chunk, 12, 1);     // outbound streams
  store16(chunk, 14, 1);     // inbound streams
  store32(chunk, 16, tag);   // initial TSN
  store16(chunk, kInitSize, parameter);
  store16(chunk, kInitSize + 2, kParameterHeader + kProbeHeaderSize);
  std::ranges::copy(encode(header), chunk.begin() + kInitSize + kParameterHeader);
  return chunk;
}

// The first chunk, cut to its length, if it is of that type and at least `size` long.
std::optional<Bytes> first_chunk(const SctpPacket& packet, std::uint8_t type, std::size_t size) {
  if (packet.chunks.size() < kParameterHeader || packet.chunks[0] != type) return std::nullopt;
  const std::size_t length = load16(packet.chunks, 2);
  if (length < size || length > packet.chunks.size()) return std::nullopt;
  return packet.chunks.first(length);
}

std::optional<ProbeHeader> find_header(Bytes chunk, std::uint16_t wanted) {
  for (std::size_t at = kInitSize; at + kParameterHeader <= chunk.size();) {
    const std::size_t size = load16(chunk, at + 2);
    if (size < kParameterHeader || at + size > chunk.size()) return std::nullopt;
    if (load16(chunk, at) == wanted) {
      return decode_probe_header(chunk.subspan(at + kParameterHeader, size - kParameterHeader));
    }
    at += (size + 3) / 4 * 4;
  }
  return std::nullopt;
}

}  // namespace

std::size_t build_init(MutableBytes out, const Endpoints& flow, ProbeId id) {
  const ProbeHeader header{.kind = ProbeKind::kRequest, .crafted = true, .id = id, .identity = {}};
  return build_sctp(out, flow, 0, init_chunk(kInit, tag_of(id), kProbeParameter, header));
}

std::size_t build_init_ack(MutableBytes out, const Endpoints& flow, ProbeId id, std::uint32_t responder) {
  const ProbeHeader header{
      .kind = ProbeKind::kAnswer,
      .crafted = true,
      .id = id,
      .identity = {.responder = responder, .seen_source = flow.destination, .seen_destination = flow.source}};
  const auto own_tag = (tag_of(id) ^ kProbeMagic) | 1U;
  return build_sctp(out, flow, tag_of(id), init_chunk(kInitAck, own_tag, kStateCookie, header));
}

std::size_t build_abort(MutableBytes out, const Endpoints& flow, std::uint32_t tag) {
  const std::array<std::uint8_t, 4> chunk{kAbort, 0, 0, 4};
  return build_sctp(out, flow, tag, chunk);
}

std::optional<SctpInit> parse_init(const SctpPacket& packet) {
  const auto chunk = first_chunk(packet, kInit, kInitSize);
  if (!chunk || packet.tag != 0 || load32(*chunk, 4) == 0) return std::nullopt;
  SctpInit init{.initiate_tag = load32(*chunk, 4), .id = std::nullopt};
  const auto header = find_header(*chunk, kProbeParameter);
  if (header && header->kind == ProbeKind::kRequest && tag_of(header->id) == init.initiate_tag) init.id = header->id;
  return init;
}

std::optional<ProbeHeader> parse_init_ack(const SctpPacket& packet) {
  const auto chunk = first_chunk(packet, kInitAck, kInitSize);
  if (!chunk) return std::nullopt;
  auto header = find_header(*chunk, kStateCookie);
  if (!header || header->kind != ProbeKind::kAnswer || tag_of(header->id) != packet.tag) return std::nullopt;
  return header;
}

bool is_abort(const SctpPacket& packet) { return first_chunk(packet, kAbort, kParameterHeader).has_value(); }

}  // namespace conntruth::wire
