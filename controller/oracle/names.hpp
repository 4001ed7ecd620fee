#pragma once
// What the cluster's DNS has to say of a Service's name. Internal to the room.
// Source: kubernetes/dns docs/specification.md (1.1.0), sections 2.3 to 2.6; core/v1 ServiceSpec.externalName.
// Threading: pure functions.

#include "common/model/expectation.hpp"
#include "controller/oracle/question.hpp"

namespace conntruth::oracle {

[[nodiscard]] Expectation expect_name(const Question& question);

}  // namespace conntruth::oracle
