#include "common/netlink/attributes.hpp"

#include <cstring>

namespace conntruth::netlink {

namespace {

template <std::size_t kSize>
std::optional<std::array<std::uint8_t, kSize>> bytes_of(const nlattr* attribute) {
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) != kSize) return std::nullopt;
  std::array<std::uint8_t, kSize> bytes{};
  std::memcpy(bytes.data(), mnl_attr_get_payload(attribute), kSize);
  return bytes;
}

template <typename Number>
std::optional<Number> number(const nlattr* attribute) {
  const auto bytes = bytes_of<sizeof(Number)>(attribute);
  if (!bytes) return std::nullopt;
  std::uint64_t value = 0;
  for (const auto byte : *bytes) value = value << 8U | byte;
  return static_cast<Number>(value);
}

}  // namespace

std::optional<std::uint8_t> number8(const nlattr* attribute) { return number<std::uint8_t>(attribute); }
std::optional<std::uint16_t> number16(const nlattr* attribute) { return number<std::uint16_t>(attribute); }
std::optional<std::uint32_t> number32(const nlattr* attribute) { return number<std::uint32_t>(attribute); }

std::optional<IpAddress> address_of(const nlattr* v4, const nlattr* v6) {
  if (const auto bytes = bytes_of<4>(v4)) return IpAddress::v4(*bytes);
  if (const auto bytes = bytes_of<16>(v6)) return IpAddress::v6(*bytes);
  return std::nullopt;
}

}  // namespace conntruth::netlink
