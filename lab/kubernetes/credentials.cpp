#include "lab/kubernetes/credentials.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>

namespace conntruth::lab {

namespace {

std::string alternative_names(const std::vector<IpAddress>& addresses) {
  std::string names =
      "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,"
      "DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1";
  for (const auto& address : addresses) names += ",IP:" + address.to_string();
  return names;
}

}  // namespace

// Self-signed and its own authority, so that one file is all that a client has to trust.
Result<kube::Identity> make_server_identity(const std::vector<IpAddress>& addresses) {
  return kube::make_identity({"conntruth-lab",
                              {{"basicConstraints", "critical,CA:TRUE"},
                               {"keyUsage", "critical,digitalSignature,keyCertSign"},
                               {"extendedKeyUsage", "serverAuth"},
                               {"subjectAltName", alternative_names(addresses)}}});
}

Result<std::string> make_token() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return fail(ErrorCode::kInternal, "OpenSSL has no random numbers");
  }
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

}  // namespace conntruth::lab
