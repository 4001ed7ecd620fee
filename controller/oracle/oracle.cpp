#include "controller/oracle/oracle.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "controller/oracle/endpoint_selection.hpp"
#include "controller/oracle/entry_lookup.hpp"
#include "controller/oracle/health.hpp"
#include "controller/oracle/names.hpp"
#include "controller/oracle/policy.hpp"
#include "controller/oracle/recorded.hpp"
#include "controller/oracle/rules.hpp"
#include "controller/oracle/source_rule.hpp"

namespace conntruth::oracle {
namespace {

constexpr OutcomeSet kReply{.replied = true, .refused = false, .timed_out = false};
constexpr OutcomeSet kRefusal{.replied = false, .refused = true, .timed_out = false};
constexpr OutcomeSet kSilence{.replied = false, .refused = false, .timed_out = true};
constexpr OutcomeSet kNoReply{.replied = false, .refused = true, .timed_out = true};

void append(std::vector<Rule>& rules, std::vector<Rule> more) { std::ranges::move(more, std::back_inserter(rules)); }

void expect_source(Expectation& expectation, SourceExpectation source) {
  expectation.source = source.rule;
  expectation.source_addresses = std::move(source.addresses);
  append(expectation.rules, std::move(source.rules));
}

// What the client may use by the Service's entries of the other policy, on the same node.
std::vector<SocketAddress> by_other_policy(const Question& question, const Frontend& frontend, const world::Node& node,
                                           const std::vector<Candidate>& candidates) {
  const auto& service = *frontend.service;
  const auto set = [&](bool local) {
    return local ? local_set(candidates, node).endpoints : cluster_set(candidates, node).endpoints;
  };
  if (frontend.kind != FrontendKind::kClusterIp) return set(service.internal_policy == world::TrafficPolicy::kLocal);
  if (service.type == world::ServiceType::kClusterIp && service.external_ips.empty()) return {};
  return set(question.from_outside() && service.external_policy == world::TrafficPolicy::kLocal);
}

bool has_two_memories(const Question& question, const Frontend& frontend, const Decision& decision,
                      const std::vector<Candidate>& candidates, const Expectation& expectation) {
  // A node port of another node is the client's only way there.
  if (expectation.endpoints.size() < 2 || decision.node != question.client_node) return false;
  const auto others = by_other_policy(question, frontend, *decision.node, candidates);
  return !others.empty() && others != expectation.endpoints;
}

void expect_spread(Expectation& expectation, const world::Service& service, bool two_memories) {
  const std::size_t count = expectation.endpoints.size();
  if (service.affinity_timeout_s && two_memories) {
    expectation.spread = Spread::kFree;
    expectation.rules.push_back(
        applied(RuleId::kAffinityTwoPolicies,
                fmt::format("{} has ClientIP affinity, and its other entries leave the client other endpoints",
                            service.key())));
    return;
  }
  if (service.affinity_timeout_s) {
    expectation.spread = Spread::kSticky;
    expectation.rules.push_back(
        applied(RuleId::kAffinityClientIp,
                fmt::format("{} has ClientIP affinity for {} s: one of {} endpoints, always the same", service.key(),
                            *service.affinity_timeout_s, count)));
    return;
  }
  expectation.spread = Spread::kUniform;
  expectation.rules.push_back(applied(
      RuleId::kSpreadUniform, count == 1 ? std::string("one endpoint answers every new flow")
                                         : fmt::format("each of {} endpoints takes 1/{} of new flows", count, count)));
}

std::vector<SocketAddress> united(std::vector<SocketAddress> left, const std::vector<SocketAddress>& right) {
  std::vector<SocketAddress> both;
  std::ranges::set_union(left, right, std::back_inserter(both));
  return both;
}

Selection select(const Decision& decision, const std::vector<Candidate>& candidates) {
  switch (decision.scope) {
    case Scope::kInternalLocal:
    case Scope::kExternalLocal:
      return local_set(candidates, *decision.node);
    case Scope::kOwnNode: {
      Selection both = cluster_set(candidates, *decision.node);
      Selection local = local_set(candidates, *decision.node);
      both.endpoints = united(std::move(both.endpoints), local.endpoints);
      append(both.rules, std::move(local.rules));
      return both;
    }
    case Scope::kInternalCluster:
    case Scope::kExternalCluster:
    case Scope::kShortCircuit:
      return cluster_set(candidates, *decision.node);
  }
  return {};
}

std::vector<Rule> candidate_rules(const Question& question, const Frontend& frontend, std::size_t count) {
  const world::Service& service = *frontend.service;
  std::vector<Rule> rules{
      applied(RuleId::kEndpointsListed,
              fmt::format("the {} slices of {} list {} endpoints for port \"{}\"/{}", to_string(question.family()),
                          service.key(), count, frontend.port->name, to_string(frontend.port->protocol)))};
  if (service.publish_not_ready_addresses) {
    rules.push_back(
        applied(RuleId::kPublishNotReady, fmt::format("{} publishes addresses that are not ready, which shows "
                                                      "in the slices' ready conditions alone",
                                                      service.key())));
  }
  const bool annotated = service.annotations.contains("service.kubernetes.io/topology-mode");
  if (annotated || !service.traffic_distribution.empty()) {
    const std::string field =
        annotated ? "annotation topology-mode" : "trafficDistribution " + service.traffic_distribution;
    rules.push_back(applied(RuleId::kTrafficDistributionByHints,
                            fmt::format("{} of {} shows in the slices' hints alone", field, service.key())));
  }
  return rules;
}

Rule none_local(const Decision& decision, const Frontend& frontend) {
  const bool internal = decision.scope == Scope::kInternalLocal;
  return applied(internal ? RuleId::kItpLocalNoneLocalDrop : RuleId::kEtpLocalNoneLocalDrop,
                 fmt::format("{} has usable endpoints, but none on {}: dropped in silence", frontend.service->key(),
                             decision.node->name));
}

void nobody_usable(Expectation& expectation, const Question& question, const Frontend& frontend) {
  const bool external = frontend.kind == FrontendKind::kExternalIp || frontend.kind == FrontendKind::kLoadBalancer;
  const bool leaves = external && !question.from_pod() && !question.from_outside();
  expectation.outcomes = leaves ? kNoReply : kRefusal;
  expectation.rules.push_back(applied(leaves ? RuleId::kNoEndpointsLeavesNode : RuleId::kNoEndpointsRefuse,
                                      fmt::format("{} has no usable {} endpoint for this port anywhere",
                                                  frontend.service->key(), to_string(question.family()))));
}

// What the usable endpoints make of the flow; the rules so far are in `expectation`. With `record` no share and no
// source is asserted, so no rule about them is named.
void decide_outcome(Expectation& expectation, const Question& question, const Frontend& frontend,
                    const Decision& decision, const std::vector<Candidate>& candidates, bool record) {
  append(expectation.rules, candidate_rules(question, frontend, candidates.size()));
  if (!any_usable(candidates)) return nobody_usable(expectation, question, frontend);
  Selection selection = select(decision, candidates);
  append(expectation.rules, std::move(selection.rules));
  expectation.endpoints = std::move(selection.endpoints);
  if (expectation.endpoints.empty()) {
    expectation.outcomes = kSilence;
    expectation.rules.push_back(none_local(decision, frontend));
    return;
  }
  expectation.outcomes = kReply;
  if (record || decision.scope == Scope::kOwnNode) return only_record(expectation);
  expect_spread(expectation, *frontend.service,
                has_two_memories(question, frontend, decision, candidates, expectation));
  expect_source(expectation, source_through_service(question, decision, expectation.endpoints));
}

// Conditions under which implementations may differ, whatever the endpoints say.
std::vector<Rule> undefined_because(const Question& question, const Frontend& frontend, const Decision& decision) {
  std::vector<Rule> rules;
  const std::string target = question.flow->entry.target.to_string();
  if (frontend.contested) {
    rules.push_back(
        applied(RuleId::kEntryContested, fmt::format("more than one Service claims {}: not scored", target)));
  }
  if (frontend.kind == FrontendKind::kClusterIp && question.from_outside()) {
    rules.push_back(applied(RuleId::kClusterIpFromOutside,
                            fmt::format("{} is outside of the cluster: not scored", question.flow->vantage.name())));
  }
  if (frontend.kind == FrontendKind::kNodePort) {
    const auto own = addresses_of(*decision.node, question.family());
    if (own.front() != question.flow->entry.target.address) {
      rules.push_back(
          applied(RuleId::kNodePortSecondaryAddress, fmt::format("{} is not the first {} address of {}: not scored",
                                                                 question.flow->entry.target.address.to_string(),
                                                                 to_string(question.family()), decision.node->name)));
    }
  }
  return rules;
}

Expectation through_service(const Question& question, const Frontend& frontend) {
  Expectation expectation;
  expectation.rules.push_back(frontend.reason);
  Decision decision = decide(question, frontend);
  append(expectation.rules, std::move(decision.rules));
  SourceRangeCheck ranges = check_source_ranges(question, frontend);
  append(expectation.rules, std::move(ranges.rules));
  const auto candidates = candidates_of(*question.world, *frontend.service, *frontend.port, question.family());
  auto undefined = undefined_because(question, frontend, decision);
  if (auto why = why_contradictory(candidates)) undefined.push_back(*std::move(why));
  const bool record = !undefined.empty() || ranges.admission == Admission::kUndefined ||
                      frontend.kind == FrontendKind::kLoadBalancerProxyMode;
  if (ranges.admission == Admission::kBlocked) {
    expectation.outcomes = kNoReply;
  } else {
    decide_outcome(expectation, question, frontend, decision, candidates, record);
  }
  append(expectation.rules, std::move(undefined));
  if (record) only_record(expectation);
  return expectation;
}

Expectation straight_to_endpoint(const Question& question, bool serving) {
  Expectation expectation;
  const SocketAddress& target = question.flow->entry.target;
  expectation.outcomes = kReply;
  expectation.endpoints = {target};
  expectation.rules.push_back(
      applied(RuleId::kEntryPodIp, fmt::format("{} is an endpoint's own address", target.to_string())));
  expect_source(expectation, source_direct(question));
  if (!serving) {
    expectation.rules.push_back(
        applied(RuleId::kPodNotServing, fmt::format("{} is listed as not serving: not scored", target.to_string())));
    only_record(expectation);
  }
  return expectation;
}

Expectation nothing_programmed(const Question& question) {
  Expectation expectation;
  expectation.rules.push_back(why_nothing(question));
  const bool closed_port =
      question.flow->entry.kind == EntryKind::kPodIp && expectation.rules.front().id == "pod-port-closed";
  expectation.outcomes = closed_port ? kRefusal : kNoReply;
  return expectation;
}

// Pod addresses need not be routed outside of the cluster; a Node's own are.
void note_pod_ip_from_outside(Expectation& expectation, const Question& question) {
  const IpAddress& address = question.flow->entry.target.address;
  if (!question.from_outside() || owner_of(*question.world, address) != nullptr) return;
  expectation.rules.push_back(applied(RuleId::kPodIpFromOutside, fmt::format("{} is outside of the cluster: not scored",
                                                                             question.flow->vantage.name())));
  only_record(expectation);
}

}  // namespace

Result<Expectation> expect(const world::World& world, const Flow& flow) {
  const auto question = ask(world, flow);
  if (!question) return std::unexpected(question.error());
  if (!http_path(flow.entry.kind).empty()) return expect_health(*question);
  if (flow.entry.kind == EntryKind::kName) return expect_name(*question);
  if (const auto frontend = find_frontend(*question)) return through_service(*question, *frontend);
  const ListedEndpoint endpoint = find_listed_endpoint(*question);
  Expectation expectation =
      endpoint.listed ? straight_to_endpoint(*question, endpoint.serving) : nothing_programmed(*question);
  if (endpoint.listed || flow.entry.kind == EntryKind::kPodIp) note_pod_ip_from_outside(expectation, *question);
  return expectation;
}

}  // namespace conntruth::oracle
