#pragma once
// What a packet's destination stands for: which Service port is programmed there, or why nothing is. The destination
// decides, not the Flow's labels: after a Service's change an entry may lead nowhere, or to another Service.
// Threading: pure functions; results point into the World.

#include <optional>

#include "common/model/expectation.hpp"
#include "controller/oracle/question.hpp"

namespace conntruth::oracle {

// In the order in which kube-proxy matches them where one address has several roles.
enum class FrontendKind : std::uint8_t { kClusterIp, kExternalIp, kLoadBalancer, kNodePort, kLoadBalancerProxyMode };

struct Frontend {
  const world::Service* service = nullptr;
  const world::ServicePort* port = nullptr;
  FrontendKind kind = FrontendKind::kClusterIp;
  bool contested = false;  // another Service claims the same address, port and protocol
  Rule reason;
};

[[nodiscard]] std::optional<Frontend> find_frontend(const Question& question);

// True where any slice lists an endpoint at the destination; `serving` where one that lists it says it is serving.
struct ListedEndpoint {
  bool listed = false;
  bool serving = false;
};
[[nodiscard]] ListedEndpoint find_listed_endpoint(const Question& question);

// Why nothing is programmed at the destination. For destinations without a Frontend.
[[nodiscard]] Rule why_nothing(const Question& question);

}  // namespace conntruth::oracle
