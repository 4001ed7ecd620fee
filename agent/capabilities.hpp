#pragma once
// What this process may do, checked before it tries: "operation not permitted" from deep inside helps nobody.

#include <cstdint>

#include "common/result.hpp"

namespace conntruth::agent {

enum class Duty : std::uint8_t {
  kNodeOnly,   // probes from the namespace it was started in: CAP_NET_RAW, and CAP_NET_ADMIN where the kernel asks for
               // it
  kPlaces,     // also from network namespaces that were given as paths: CAP_SYS_ADMIN besides
  kDaemonSet,  // also from those of other users' processes, which it looks for: CAP_SYS_PTRACE besides
};

// kPermission naming the missing capability, what it is for and where it is granted.
[[nodiscard]] Status check_capabilities(Duty duty);

}  // namespace conntruth::agent
