#pragma once
// Certificates for tests, made on the spot: an authority, and servers and clients that it vouches for. P-256, PEM.

#include <chrono>
#include <string>
#include <vector>

namespace conntruth::tests {

struct Certificate {
  std::string certificate_pem;
  std::string key_pem;
};

struct CertificateSpec {
  std::string common_name = "test";
  std::vector<std::string> names{};    // "DNS:localhost", "IP:127.0.0.1"
  std::chrono::seconds begins{-3600};  // from now
  std::chrono::seconds ends{3600};
};

[[nodiscard]] Certificate make_authority(const std::string& common_name);
[[nodiscard]] Certificate issue(const Certificate& authority, const CertificateSpec& spec);

}  // namespace conntruth::tests
