#pragma once
// Big-endian numbers and addresses in byte spans. The caller has checked the bounds (assert in debug builds of the
// standard library); parsers in this room check before they load.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/address.hpp"

namespace conntruth::wire {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

[[nodiscard]] constexpr std::uint16_t load16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>((bytes[at] << 8U) | bytes[at + 1]);
}
[[nodiscard]] constexpr std::uint32_t load32(Bytes bytes, std::size_t at) {
  return (static_cast<std::uint32_t>(load16(bytes, at)) << 16U) | load16(bytes, at + 2);
}
[[nodiscard]] constexpr std::uint64_t load64(Bytes bytes, std::size_t at) {
  return (static_cast<std::uint64_t>(load32(bytes, at)) << 32U) | load32(bytes, at + 4);
}
constexpr void store16(MutableBytes bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8U);
  bytes[at + 1] = static_cast<std::uint8_t>(value & 0xFFU);
}
constexpr void store32(MutableBytes bytes, std::size_t at, std::uint32_t value) {
  store16(bytes, at, static_cast<std::uint16_t>(value >> 16U));
  store16(bytes, at + 2, static_cast<std::uint16_t>(value & 0xFFFFU));
}
constexpr void store64(MutableBytes bytes, std::size_t at, std::uint64_t value) {
  store32(bytes, at, static_cast<std::uint32_t>(value >> 32U));
  store32(bytes, at + 4, static_cast<std::uint32_t>(value & 0xFFFFFFFFU));
}

[[nodiscard]] constexpr std::size_t address_size(Family family) { return family == Family::kIpv4 ? 4 : 16; }

[[nodiscard]] inline IpAddress load_address(Bytes bytes, std::size_t at, Family family) {
  if (family == Family::kIpv4) return IpAddress::v4({bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]});
  std::array<std::uint8_t, 16> copy{};
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), copy.size(), copy.begin());
  return IpAddress::v6(copy);
}
inline void store_address(MutableBytes bytes, std::size_t at, const IpAddress& address) {
  std::ranges::copy(address.bytes(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace conntruth::wire
