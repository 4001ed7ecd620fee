#pragma once
// Addresses, families and transport protocols as the whole project names them.
//
// IpAddress is a value of 17 bytes: family and network-order bytes (IPv4 in the first four). Text follows RFC 5952 for
// IPv6. Parsing accepts what inet_pton accepts and nothing else (no zone ids, no leading zeros, no ports).
// Threading: values.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace conntruth {

enum class Family : std::uint8_t { kIpv4 = 4, kIpv6 = 6 };
enum class Protocol : std::uint8_t { kTcp = 6, kUdp = 17, kSctp = 132 };  // values are IANA protocol numbers

[[nodiscard]] std::string_view to_string(Family family);      // "ipv4", "ipv6"
[[nodiscard]] std::string_view to_string(Protocol protocol);  // "tcp", "udp", "sctp"
// Accepts any case ("TCP", "tcp"): Kubernetes writes upper case, we print lower case.
[[nodiscard]] Result<Protocol> parse_protocol(std::string_view text);

class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0, which is_unspecified()
  [[nodiscard]] static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  [[nodiscard]] static IpAddress v6(std::array<std::uint8_t, 16> bytes);
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

  [[nodiscard]] Family family() const { return family_; }
  // Network order; 4 or 16 bytes by family.
  [[nodiscard]] std::span<const std::uint8_t> bytes() const {
    return std::span(bytes_).first(family_ == Family::kIpv4 ? 4U : 16U);
  }
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] std::string to_string() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::kIpv4;
  std::array<std::uint8_t, 16> bytes_{};
};

// An address and a port of some transport protocol; port in host order, 0 means none.
struct SocketAddress {
  IpAddress address;
  std::uint16_t port = 0;

  [[nodiscard]] std::string to_string() const;  // "10.96.0.10:80", "[fd00::1]:80"
  auto operator<=>(const SocketAddress&) const = default;
};

// A CIDR prefix. Host bits of `address` are zero after parse().
struct Prefix {
  IpAddress address;
  std::uint8_t length = 0;  // 0..32 or 0..128

  [[nodiscard]] static Result<Prefix> parse(std::string_view text);  // "10.96.0.0/16"
  [[nodiscard]] bool contains(const IpAddress& other) const;         // false across families
  [[nodiscard]] IpAddress at(std::uint32_t index) const;             // the index-th address of the prefix
  [[nodiscard]] std::string to_string() const;
  auto operator<=>(const Prefix&) const = default;
};

}  // namespace conntruth

template <>
struct std::hash<conntruth::IpAddress> {
  std::size_t operator()(const conntruth::IpAddress& address) const noexcept;
};
template <>
struct std::hash<conntruth::SocketAddress> {
  std::size_t operator()(const conntruth::SocketAddress& address) const noexcept {
    return std::hash<conntruth::IpAddress>()(address.address) * 65599U + address.port;
  }
};
