#pragma once
// What the health endpoints of a service proxy have to say over HTTP: a Service's health check node port, /healthz and
// /livez. Sources: core/v1 ServiceSpec.healthCheckNodePort; KEP-1669; KEP-3836; kube-proxy: service_health.go,
// proxy_health.go. Threading: pure function.

#include "common/model/expectation.hpp"
#include "controller/oracle/question.hpp"

namespace conntruth::oracle {

// For entries that are asked over HTTP; their target is an address of a Node.
[[nodiscard]] Expectation expect_health(const Question& question);

}  // namespace conntruth::oracle
