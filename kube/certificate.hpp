#pragma once
// Certificates that conntruth makes itself, for a lab's API server and for an installed controller: X.509 version 3
// (RFC 5280) over a P-256 key made with it, valid for ten years from a day ago, because machines' clocks differ.
// Threading: pure functions apart from the system's random numbers and the time.

#include <string>
#include <utility>
#include <vector>

#include "common/result.hpp"

namespace conntruth::kube {

struct Identity {
  std::string certificate_pem;
  std::string key_pem;  // PKCS #8
};

struct CertificateSpec {
  std::string common_name;
  // In the words of x509v3_config(5): {"basicConstraints", "critical,CA:TRUE"}.
  std::vector<std::pair<std::string, std::string>> extensions;
};

// Signed by `issuer`, or by its own key where there is none. kInternal where OpenSSL refuses.
[[nodiscard]] Result<Identity> make_identity(const CertificateSpec& spec, const Identity* issuer = nullptr);

}  // namespace conntruth::kube
