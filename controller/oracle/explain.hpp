#pragma once
// An Expectation as a few lines for people: what must happen, and by which rules in which order.
// Threading: pure function.

#include <string>

#include "common/model/expectation.hpp"

namespace conntruth::oracle {

// Several lines, the last one ended by a newline:
//   expected: replied by 10.244.1.10:8080 or 10.244.2.10:8080, each with equal chance; source client 10.244.1.11
//   because:
//     1. 10.96.0.10:80/tcp is the ClusterIP of ...            [entry-cluster-ip: core/v1 ServiceSpec; ...]
[[nodiscard]] std::string explain_text(const Expectation& expectation);

}  // namespace conntruth::oracle
