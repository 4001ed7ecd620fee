#pragma once
// Secrets of one lab's API server, made anew for each lab: a key with a certificate that is its own authority, and
// tokens. Threading: pure functions apart from the system's random numbers and the time.

#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/result.hpp"
#include "kube/certificate.hpp"

namespace conntruth::lab {

// Valid for `addresses`, localhost and the API's names in the cluster.
[[nodiscard]] Result<kube::Identity> make_server_identity(const std::vector<IpAddress>& addresses);

[[nodiscard]] Result<std::string> make_token();  // 32 hexadecimal digits

}  // namespace conntruth::lab
