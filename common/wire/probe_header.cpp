#include "common/wire/probe_header.hpp"

#include "common/wire/checksum.hpp"

namespace conntruth::wire {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint16_t kCrafted = 1;
constexpr std::uint16_t kKept = 2;
constexpr std::size_t kChecked = 60;

}  // namespace

ProbeHeaderBytes encode(const ProbeHeader& header) {
  ProbeHeaderBytes bytes{};
  store32(bytes, 0, kProbeMagic);
  bytes[4] = kVersion;
  bytes[5] = static_cast<std::uint8_t>(header.kind);
  store16(bytes, 6, static_cast<std::uint16_t>((header.crafted ? kCrafted : 0) | (header.kept ? kKept : 0)));
  store64(bytes, 8, header.id);
  if (header.kind == ProbeKind::kAnswer) {
    const auto& identity = header.identity;
    store32(bytes, 16, identity.responder);
    bytes[20] = static_cast<std::uint8_t>(identity.seen_source.address.family());
    store16(bytes, 24, identity.seen_source.port);
    store16(bytes, 26, identity.seen_destination.port);
    store_address(bytes, 28, identity.seen_source.address);
    store_address(bytes, 44, identity.seen_destination.address);
  }
  store32(bytes, kChecked, crc32c(Bytes(bytes).first(kChecked)));
  return bytes;
}

std::optional<ProbeHeader> decode_probe_header(Bytes bytes) {
  if (bytes.size() < kProbeHeaderSize || load32(bytes, 0) != kProbeMagic || bytes[4] != kVersion) return std::nullopt;
  if (load32(bytes, kChecked) != crc32c(bytes.first(kChecked))) return std::nullopt;
  ProbeHeader header{.kind = static_cast<ProbeKind>(bytes[5]),
                     .crafted = (load16(bytes, 6) & kCrafted) != 0,
                     .kept = (load16(bytes, 6) & kKept) != 0,
                     .id = load64(bytes, 8),
                     .identity = {}};
  if (header.kind == ProbeKind::kRequest) return header;
  if (header.kind != ProbeKind::kAnswer || (bytes[20] != 4 && bytes[20] != 6)) return std::nullopt;
  const auto family = static_cast<Family>(bytes[20]);
  header.identity = {.responder = load32(bytes, 16),
                     .seen_source = {load_address(bytes, 28, family), load16(bytes, 24)},
                     .seen_destination = {load_address(bytes, 44, family), load16(bytes, 26)}};
  return header;
}

}  // namespace conntruth::wire
