#include "common/wire/checksum.hpp"

#include <bit>

namespace conntruth::wire {

namespace {

constexpr std::uint32_t kCastagnoli = 0x82F63B78U;  // the polynomial, reflected

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1U) ^ ((value & 1U) != 0 ? kCastagnoli : 0U);
    table.at(byte) = value;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

std::uint32_t crc_step(std::uint32_t crc, std::uint8_t byte) { return kCrcTable[(crc ^ byte) & 0xFFU] ^ (crc >> 8U); }

// Sums 16-bit words; an odd last byte counts as the high half of a word.
std::uint64_t sum_words(Bytes data, std::uint64_t sum) {
  std::size_t at = 0;
  for (; at + 4 <= data.size(); at += 4) sum += load32(data, at);
  if (at + 2 <= data.size()) {
    sum += load16(data, at);
    at += 2;
  }
  if (at < data.size()) sum += static_cast<std::uint64_t>(data[at]) << 8U;
  return sum;
}

std::uint16_t fold(std::uint64_t sum) {
  while ((sum >> 16U) != 0) sum = (sum & 0xFFFFU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum & 0xFFFFU);
}

}  // namespace

std::uint16_t internet_checksum(Bytes data) { return fold(sum_words(data, 0)); }

std::uint16_t transport_checksum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                                 Bytes segment) {
  std::uint64_t sum = sum_words(source.bytes(), 0);
  sum = sum_words(destination.bytes(), sum);
  sum += protocol + segment.size();
  return fold(sum_words(segment, sum));
}

std::uint32_t crc32c(Bytes data) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const auto byte : data) crc = crc_step(crc, byte);
  return ~crc;
}

std::uint32_t sctp_checksum(Bytes packet) {
  if (packet.size() < 12) return 0;
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::size_t at = 0; at < packet.size(); ++at)
    crc = crc_step(crc, at >= 8 && at < 12 ? std::uint8_t{0} : packet[at]);
  return std::byteswap(~crc);
}

bool sctp_checksum_is_right(Bytes packet) { return packet.size() >= 12 && load32(packet, 8) == sctp_checksum(packet); }

}  // namespace conntruth::wire
