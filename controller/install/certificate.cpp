#include "controller/install/certificate.hpp"

#include "kube/certificate.hpp"

namespace conntruth::install {

Result<ControllerCertificate> make_controller_certificate() {
  const auto authority = kube::make_identity({"conntruth",
                                              {{"basicConstraints", "critical,CA:TRUE"},
                                               {"keyUsage", "critical,keyCertSign"},
                                               {"subjectKeyIdentifier", "hash"}}});
  if (!authority) return std::unexpected(authority.error());
  const auto server = kube::make_identity({"conntruth-controller",
                                           {{"subjectAltName", "DNS:conntruth-controller.conntruth-system.svc"},
                                            {"extendedKeyUsage", "serverAuth"},
                                            {"keyUsage", "critical,digitalSignature"},
                                            {"authorityKeyIdentifier", "keyid"}}},
                                          &*authority);
  if (!server) return std::unexpected(server.error());
  return ControllerCertificate{authority->certificate_pem, server->certificate_pem, server->key_pem};
}

}  // namespace conntruth::install
