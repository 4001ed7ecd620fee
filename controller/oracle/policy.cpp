#include "controller/oracle/policy.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "controller/oracle/membership.hpp"
#include "controller/oracle/rules.hpp"

namespace conntruth::oracle {
namespace {

Scope scope_of(const Question& question, const Frontend& frontend, const world::Node& node) {
  const world::Service& service = *frontend.service;
  if (frontend.kind == FrontendKind::kClusterIp) {
    return service.internal_policy == world::TrafficPolicy::kLocal ? Scope::kInternalLocal : Scope::kInternalCluster;
  }
  if (service.external_policy == world::TrafficPolicy::kCluster) return Scope::kExternalCluster;
  if (question.from_outside()) return Scope::kExternalLocal;
  if (frontend.kind != FrontendKind::kNodePort) return Scope::kShortCircuit;
  return question.client_node == &node ? Scope::kOwnNode : Scope::kExternalLocal;
}

Rule node_reason(const Question& question, const Frontend& frontend, const world::Node& node) {
  const std::string client = question.flow->vantage.name();
  if (frontend.kind == FrontendKind::kNodePort) {
    return applied(RuleId::kDecidedByNodePortOwner,
                   fmt::format("{} is an address of {}, which decides", question.flow->entry.target.address.to_string(),
                               node.name));
  }
  if (question.from_outside()) {
    return applied(RuleId::kDecidedByEntryNode,
                   fmt::format("{} enters the cluster at {}, which decides", client, node.name));
  }
  return applied(RuleId::kDecidedByClientNode, fmt::format("{} starts on {}, which decides", client, node.name));
}

Rule scope_reason(Scope scope, const Question& question, const Frontend& frontend, const world::Node& node) {
  const std::string service = frontend.service->key();
  switch (scope) {
    case Scope::kInternalCluster:
      return applied(RuleId::kItpCluster, fmt::format("internalTrafficPolicy of {} is Cluster", service));
    case Scope::kInternalLocal:
      return applied(RuleId::kItpLocal,
                     fmt::format("internalTrafficPolicy of {} is Local: only endpoints on {}", service, node.name));
    case Scope::kExternalCluster:
      return applied(RuleId::kEtpCluster, fmt::format("externalTrafficPolicy of {} is Cluster", service));
    case Scope::kExternalLocal:
      return applied(RuleId::kEtpLocal,
                     fmt::format("externalTrafficPolicy of {} is Local: only endpoints on {}", service, node.name));
    case Scope::kShortCircuit:
      return applied(
          RuleId::kEtpLocalShortCircuit,
          fmt::format("externalTrafficPolicy of {} is Local, but {} is inside of the cluster: as policy Cluster",
                      service, question.flow->vantage.name()));
    case Scope::kOwnNode:
      return applied(
          RuleId::kEtpLocalOwnNode,
          fmt::format("externalTrafficPolicy of {} is Local and {} uses the node port of its own node {}: not scored",
                      service, question.flow->vantage.name(), node.name));
  }
  return {};
}

}  // namespace

Decision decide(const Question& question, const Frontend& frontend) {
  const world::Node* owner = owner_of(*question.world, question.flow->entry.target.address);
  const bool at_owner = frontend.kind == FrontendKind::kNodePort && owner != nullptr;
  Decision decision{at_owner ? owner : question.client_node, Scope::kInternalCluster, {}};
  const world::Node& node = *decision.node;
  decision.scope = scope_of(question, frontend, node);
  decision.rules.push_back(node_reason(question, frontend, node));
  if (node.deleting || contains(node.taints, world::kScaleDownTaint, &world::Taint::key)) {
    decision.rules.push_back(applied(RuleId::kNodeLifecycleIgnored,
                                     fmt::format("{} is being removed, which changes nothing for packets", node.name)));
  }
  decision.rules.push_back(scope_reason(decision.scope, question, frontend, node));
  return decision;
}

SourceRangeCheck check_source_ranges(const Question& question, const Frontend& frontend) {
  const auto& ranges = frontend.service->source_ranges;
  if (frontend.kind != FrontendKind::kLoadBalancer || ranges.empty()) return {};
  const std::string client = question.client.to_string();
  const auto found = std::ranges::find_if(ranges, [&](const Prefix& range) { return range.contains(question.client); });
  if (found != ranges.end()) {
    return {
        Admission::kAdmitted,
        {applied(RuleId::kLbSourceRangeAdmits, fmt::format("{} is in source range {}", client, found->to_string()))}};
  }
  const auto same_family = [&](const Prefix& range) { return range.address.family() == question.family(); };
  if (std::ranges::any_of(ranges, same_family)) {
    return {Admission::kBlocked,
            {applied(RuleId::kLbSourceRangeBlocks, fmt::format("{} is in none of the {} source ranges of {}", client,
                                                               ranges.size(), frontend.service->key()))}};
  }
  return {Admission::kUndefined,
          {applied(RuleId::kLbSourceRangeOtherFamily,
                   fmt::format("no source range of {} is {}", frontend.service->key(), to_string(question.family())))}};
}

}  // namespace conntruth::oracle
