#include "agent/io/kernel_address.hpp"

#include <array>
#include <cstring>

namespace conntruth::io {

in_addr to_in_addr(const IpAddress& address) {
  in_addr result{};
  std::memcpy(&result, address.bytes().data(), sizeof result);
  return result;
}

in6_addr to_in6_addr(const IpAddress& address) {
  in6_addr result{};
  std::memcpy(&result, address.bytes().data(), sizeof result);
  return result;
}

KernelAddress to_kernel(const SocketAddress& address) {
  KernelAddress result{};
  if (address.address.family() == Family::kIpv4) {
    result.v4.sin_family = AF_INET;
    result.v4.sin_port = htons(address.port);
    result.v4.sin_addr = to_in_addr(address.address);
  } else {
    result.v6 = {};
    result.v6.sin6_family = AF_INET6;
    result.v6.sin6_port = htons(address.port);
    result.v6.sin6_addr = to_in6_addr(address.address);
  }
  return result;
}

IpAddress from_kernel(const in_addr& address) {
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  return IpAddress::v4(bytes);
}

IpAddress from_kernel(const in6_addr& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  if (IN6_IS_ADDR_V4MAPPED(&address)) return IpAddress::v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  return IpAddress::v6(bytes);
}

SocketAddress from_kernel(const KernelAddress& address) {
  if (address.base.sa_family == AF_INET) return {from_kernel(address.v4.sin_addr), ntohs(address.v4.sin_port)};
  if (address.base.sa_family == AF_INET6) return {from_kernel(address.v6.sin6_addr), ntohs(address.v6.sin6_port)};
  return {};
}

}  // namespace conntruth::io
