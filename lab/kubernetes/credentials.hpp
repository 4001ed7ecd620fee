#pragma once
// Secrets of one lab's API server, made anew for each lab: a key with a certificate that is its own authority, and
// tokens. Threading: pure functions apart from the system's random numbers and the time.

#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/result.hpp"

namespace conntruth::lab {

struct ServerIdentity {
  std::string certificate_pem;
  std::string key_pem;  // P-256, PKCS #8
};
// Valid for ten years from now on for `addresses`, localhost and the API's names in the cluster.
[[nodiscard]] Result<ServerIdentity> make_server_identity(const std::vector<IpAddress>& addresses);

[[nodiscard]] Result<std::string> make_token();  // 32 hexadecimal digits
[[nodiscard]] std::string base64(const std::string& text);

}  // namespace conntruth::lab
