#pragma once
// The certificate by which agents know the controller, with an authority of its own whose key is thrown away: the same
// as deploy/tls/certificate.sh makes. P-256, valid for ten years.
// Threading: pure apart from the system's random numbers and the time.

#include <string>

#include "common/result.hpp"

namespace conntruth::install {

struct ControllerCertificate {
  std::string authority_pem;    // ca.crt: all that agents trust
  std::string certificate_pem;  // tls.crt, for conntruth-controller.conntruth-system.svc
  std::string key_pem;          // tls.key, PKCS #8
};

[[nodiscard]] Result<ControllerCertificate> make_controller_certificate();

}  // namespace conntruth::install
