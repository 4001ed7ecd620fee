#include "controller/oracle/health.hpp"

#include <fmt/core.h>

#include <optional>
#include <set>
#include <utility>

#include "controller/oracle/endpoint_selection.hpp"
#include "controller/oracle/membership.hpp"
#include "controller/oracle/recorded.hpp"
#include "controller/oracle/rules.hpp"

namespace conntruth::oracle {
namespace {

constexpr std::uint16_t kOk = 200;
constexpr std::uint16_t kUnavailable = 503;

bool is_leaving(const world::Node& node) {
  return node.deleting || contains(node.taints, world::kScaleDownTaint, &world::Taint::key);
}

bool opens_health_port(const world::Service& service, std::uint16_t port) {
  return service.health_check_node_port == port && service.is_proxied() &&
         service.type == world::ServiceType::kLoadBalancer && service.external_policy == world::TrafficPolicy::kLocal;
}

// Endpoints that count, by address: an endpoint of several ports is one.
struct LocalEndpoints {
  std::set<IpAddress> ready;
  std::set<IpAddress> leaving;  // those of them that terminate
  std::optional<Rule> contradictory;
};

LocalEndpoints local_endpoints(const Question& question, const world::Service& service, const world::Node& node) {
  LocalEndpoints found;
  for (const auto& port : service.ports) {
    const auto candidates = candidates_of(*question.world, service, port, question.family());
    if (!found.contradictory) found.contradictory = why_contradictory(candidates);
    for (const auto& each : candidates) {
      if (!each.ready || each.node != node.name) continue;
      found.ready.insert(each.address.address);
      if (each.leaving) found.leaving.insert(each.address.address);
    }
  }
  return found;
}

void expect_answer(Expectation& expectation, HttpExpectation answer) {
  expectation.outcomes = {.replied = true, .refused = false, .timed_out = false};
  expectation.spread = Spread::kFree;
  expectation.http = std::move(answer);
}

void record(Expectation& expectation, RuleId rule, std::string text) {
  expectation.rules.push_back(applied(rule, std::move(text)));
  only_record(expectation);
}

void note_lifecycle(Expectation& expectation, const world::Node& node) {
  if (!is_leaving(node)) return;
  expectation.rules.push_back(
      applied(RuleId::kNodeLifecycleIgnored,
              fmt::format("{} is being removed, which changes nothing for health check node ports", node.name)));
}

Expectation of_service(const Question& question, const world::Service& service, const world::Node& node) {
  Expectation expectation;
  const auto& target = question.flow->entry.target;
  const auto key = service.key();
  expectation.rules.push_back(
      applied(RuleId::kHealthPort, fmt::format("{} is the health check node port of {}, which {} serves for itself",
                                               target.to_string(), key, node.name)));
  note_lifecycle(expectation, node);
  const auto local = local_endpoints(question, service, node);
  expect_answer(expectation, {local.ready.empty() ? kUnavailable : kOk, local.ready.size(), key});
  expectation.rules.push_back(
      local.ready.empty() ? applied(RuleId::kHealthNoneLocal, fmt::format("{} has no ready {} endpoint on {}", key,
                                                                          to_string(question.family()), node.name))
                          : applied(RuleId::kHealthLocalReady,
                                    fmt::format("{} has {} ready {} endpoints on {}", key, local.ready.size(),
                                                to_string(question.family()), node.name)));
  if (local.contradictory) {
    expectation.rules.push_back(*local.contradictory);
    only_record(expectation);
  } else if (!local.leaving.empty()) {
    record(expectation, RuleId::kHealthPublishedTerminating,
           fmt::format("{} of them are terminating and published as ready: not scored", local.leaving.size()));
  } else if (addresses_of(node, question.family()).front() != target.address) {
    record(expectation, RuleId::kNodePortSecondaryAddress,
           fmt::format("{} is not the first {} address of {}: not scored", target.address.to_string(),
                       to_string(question.family()), node.name));
  }
  return expectation;
}

// The port of a Service without that family, or of none at all.
Expectation of_nobody(const Question& question, const world::Service* other_family, const world::Node& node) {
  Expectation expectation;
  expectation.outcomes = {.replied = false, .refused = true, .timed_out = true};
  const auto port = question.flow->entry.target.port;
  if (other_family == nullptr) {
    expectation.rules.push_back(
        applied(RuleId::kHealthPortClosed,
                fmt::format("port {} of {} is no health check node port of any Service", port, node.name)));
    return expectation;
  }
  expect_answer(expectation, {kOk, {}, {}});
  record(expectation, RuleId::kHealthOtherFamily,
         fmt::format("{}, whose health check node port is {}, has no {}: not scored", other_family->key(), port,
                     to_string(question.family())));
  return expectation;
}

Expectation of_health_port(const Question& question, const world::Node& node) {
  const world::Service* other_family = nullptr;
  for (const auto& service : question.world->services) {
    if (!opens_health_port(service, question.flow->entry.target.port)) continue;
    if (service.cluster_ip(question.family())) return of_service(question, service, node);
    other_family = &service;
  }
  return of_nobody(question, other_family, node);
}

Expectation of_proxy(const Question& question, const world::Node& node) {
  Expectation expectation;
  if (question.flow->entry.kind == EntryKind::kProxyLivez) {
    expect_answer(expectation, {kOk, {}, {}});
    expectation.rules.push_back(
        applied(RuleId::kProxyLivez, fmt::format("the proxy of {} works, whatever becomes of its Node", node.name)));
    return expectation;
  }
  expect_answer(expectation, {is_leaving(node) ? kUnavailable : kOk, {}, {}});
  expectation.rules.push_back(
      is_leaving(node)
          ? applied(RuleId::kProxyHealthzNodeLeaves,
                    fmt::format("{} is {}", node.name, node.deleting ? "being deleted" : "tainted for scale-down"))
          : applied(RuleId::kProxyHealthz, fmt::format("the proxy of {} works, and its Node stays", node.name)));
  return expectation;
}

}  // namespace

Expectation expect_health(const Question& question) {
  const auto& node = *owner_of(*question.world, question.flow->entry.target.address);
  return question.flow->entry.kind == EntryKind::kHealthCheckNodePort ? of_health_port(question, node)
                                                                      : of_proxy(question, node);
}

}  // namespace conntruth::oracle
