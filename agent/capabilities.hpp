#pragma once
// What this process may do, checked before it tries: "operation not permitted" from deep inside helps nobody.

#include "common/result.hpp"

namespace conntruth::agent {

// kPermission naming the missing capability and the remedy. CAP_NET_RAW always (crafted probes, answers to them);
// CAP_SYS_ADMIN where network namespaces of pods are entered.
[[nodiscard]] Status check_capabilities(bool enters_namespaces);

}  // namespace conntruth::agent
