#include "common/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace conntruth {

std::string_view to_string(Family family) { return family == Family::kIpv4 ? "ipv4" : "ipv6"; }

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return "tcp";
    case Protocol::kUdp:
      return "udp";
    case Protocol::kSctp:
      return "sctp";
  }
  return "?";
}

Result<Protocol> parse_protocol(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
    if (lower == to_string(protocol)) return protocol;
  }
  return fail(ErrorCode::kInvalidInput, "protocol \"" + std::string(text) + "\" is not one of TCP, UDP, SCTP");
}

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress result;
  std::ranges::copy(bytes, result.bytes_.begin());
  return result;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  IpAddress result;
  result.family_ = Family::kIpv6;
  result.bytes_ = bytes;
  return result;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, terminated.c_str(), four.data()) == 1) return v4(four);
  std::array<std::uint8_t, 16> sixteen{};
  if (inet_pton(AF_INET6, terminated.c_str(), sixteen.data()) == 1) return v6(sixteen);
  return fail(ErrorCode::kInvalidInput, "\"" + terminated + "\" is not an IPv4 or IPv6 address");
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes(), [](std::uint8_t byte) { return byte == 0; });
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family_ == Family::kIpv4 ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

std::string SocketAddress::to_string() const {
  const bool v6 = address.family() == Family::kIpv6;
  return (v6 ? "[" : "") + address.to_string() + (v6 ? "]:" : ":") + std::to_string(port);
}

namespace {

// True where the first `length` bits agree.
bool same_bits(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, unsigned length) {
  const unsigned whole = length / 8;
  if (std::memcmp(a.data(), b.data(), whole) != 0) return false;
  const unsigned rest = length % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFFU << (8U - rest));
  return (a[whole] & mask) == (b[whole] & mask);
}

IpAddress from_bytes(Family family, const std::array<std::uint8_t, 16>& bytes) {
  if (family == Family::kIpv6) return IpAddress::v6(bytes);
  return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

std::array<std::uint8_t, 16> copy_bytes(const IpAddress& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  return bytes;
}

}  // namespace

Result<Prefix> Prefix::parse(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorCode::kInvalidInput, "\"" + std::string(text) + "\" is not a prefix such as 10.96.0.0/16");
  };
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return wrong();
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return wrong();
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), length);
  const unsigned bits = address->family() == Family::kIpv4 ? 32 : 128;
  if (error != std::errc() || end != digits.end() || length > bits) return wrong();
  auto bytes = copy_bytes(*address);
  for (unsigned bit = length; bit < bits; ++bit) bytes.at(bit / 8) &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  return Prefix{from_bytes(address->family(), bytes), static_cast<std::uint8_t>(length)};
}

bool Prefix::contains(const IpAddress& other) const {
  return other.family() == address.family() && same_bits(address.bytes(), other.bytes(), length);
}

IpAddress Prefix::at(std::uint32_t index) const {
  auto bytes = copy_bytes(address);
  std::uint64_t carry = index;
  for (auto position = address.bytes().size(); position > 0 && carry > 0; --position) {
    carry += bytes.at(position - 1);
    bytes.at(position - 1) = static_cast<std::uint8_t>(carry & 0xFFU);
    carry >>= 8U;
  }
  return from_bytes(address.family(), bytes);
}

std::string Prefix::to_string() const { return address.to_string() + "/" + std::to_string(length); }

}  // namespace conntruth

std::size_t std::hash<conntruth::IpAddress>::operator()(const conntruth::IpAddress& address) const noexcept {
  const auto bytes = address.bytes();
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
