#pragma once
// How a test reaches an API server of its own on loopback, without TLS.

#include <cstdint>

#include "kube/access.hpp"

namespace conntruth::tests {

inline kube::Access loopback_access(std::uint16_t port) {
  kube::Access access;
  access.origin = "a test";
  access.tls = false;
  access.host = "127.0.0.1";
  access.port = port;
  return access;
}

}  // namespace conntruth::tests
