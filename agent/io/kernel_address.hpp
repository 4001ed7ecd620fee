#pragma once
// SocketAddress as the kernel wants it and back.

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/address.hpp"

namespace conntruth::io {

[[nodiscard]] constexpr int domain_of(Family family) { return family == Family::kIpv4 ? AF_INET : AF_INET6; }

union KernelAddress {
  sockaddr base;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

[[nodiscard]] KernelAddress to_kernel(const SocketAddress& address);
[[nodiscard]] inline socklen_t size_of(const KernelAddress& address) {
  return address.base.sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}
// IPv4-mapped IPv6 addresses become IPv4. Other families give an unspecified address.
[[nodiscard]] SocketAddress from_kernel(const KernelAddress& address);
[[nodiscard]] IpAddress from_kernel(const in_addr& address);
[[nodiscard]] IpAddress from_kernel(const in6_addr& address);
[[nodiscard]] in_addr to_in_addr(const IpAddress& address);
[[nodiscard]] in6_addr to_in6_addr(const IpAddress& address);

}  // namespace conntruth::io
