#pragma once
// Whether the certificate that a controller shows is that of ours.
//
// TLS proves that the peer has the key of the certificate; the rest is decided here, in the handshake and with the
// library's own verification (RFC 5280 path, RFC 6125 name), because gRPC tells its caller no more than "verify failed"
// and an operator has to know which of three different things to repair.
// Threading: pure functions.

#include <chrono>
#include <string>

#include "common/result.hpp"

namespace conntruth::session {

// Whether anybody can be trusted by it: kInvalidInput where the text holds no certificate.
[[nodiscard]] Status check_authorities(const std::string& ca_pem);

// `chain_pem`: as the peer sent it, its own first. `ca_pem`: whom we trust; any of them may be the end of the path.
// `name`: a DNS name that has to be among the certificate's subjectAltNames. kPermission with what is wrong and what
// to do; kInvalidInput where a text holds no certificate.
[[nodiscard]] Status check_server_certificate(const std::string& chain_pem, const std::string& ca_pem,
                                              const std::string& name, std::chrono::system_clock::time_point now);

}  // namespace conntruth::session
