#include "controller/oracle/source_rule.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "controller/oracle/membership.hpp"
#include "controller/oracle/rules.hpp"

namespace conntruth::oracle {
namespace {

void add_node(std::vector<IpAddress>& addresses, const world::Node& node, Family family) {
  const auto own = addresses_of(node, family);
  addresses.insert(addresses.end(), own.begin(), own.end());
}

void sort_unique(std::vector<IpAddress>& addresses) {
  std::ranges::sort(addresses);
  const auto rest = std::ranges::unique(addresses);
  addresses.erase(rest.begin(), rest.end());
}

SourceExpectation client_itself(const Question& question, RuleId why) {
  return {SourceRule::kClient,
          {question.client},
          {applied(why, fmt::format("the endpoint must see {}", question.client.to_string()))}};
}

// A process on a node: which of the node's addresses it uses depends on routing.
SourceExpectation client_node(const Question& question, RuleId why) {
  SourceExpectation source{SourceRule::kNode, {question.client}, {}};
  add_node(source.addresses, *question.client_node, question.family());
  sort_unique(source.addresses);
  source.rules.push_back(
      applied(why, fmt::format("the endpoint must see an address of {}", question.client_node->name)));
  return source;
}

SourceExpectation client_or_nodes(const Question& question, const world::Node& deciding) {
  SourceExpectation source{SourceRule::kClientOrNode, {question.client}, {}};
  add_node(source.addresses, deciding, question.family());
  std::string nodes = deciding.name;
  if (!question.from_outside() && question.client_node != &deciding) {
    add_node(source.addresses, *question.client_node, question.family());
    nodes = question.client_node->name + " or " + nodes;
  }
  sort_unique(source.addresses);
  source.rules.push_back(applied(RuleId::kSourceEtpCluster, fmt::format("the endpoint may see {} or an address of {}",
                                                                        question.client.to_string(), nodes)));
  return source;
}

SourceExpectation by_scope(const Question& question, const Decision& decision) {
  const bool from_node = question.flow->vantage.kind == VantageKind::kNode;
  switch (decision.scope) {
    case Scope::kInternalCluster:
    case Scope::kInternalLocal:
      return from_node ? client_node(question, RuleId::kSourceClusterIpNode)
                       : client_itself(question, RuleId::kSourceClusterIpPod);
    case Scope::kExternalLocal:
      return from_node ? client_node(question, RuleId::kSourceEtpLocalNode)
                       : client_itself(question, RuleId::kSourceEtpLocal);
    case Scope::kShortCircuit:
      return from_node ? client_node(question, RuleId::kSourceShortCircuitNode)
                       : client_itself(question, RuleId::kSourceShortCircuitPod);
    case Scope::kExternalCluster:
    case Scope::kOwnNode:
      return client_or_nodes(question, *decision.node);
  }
  return {};
}

}  // namespace

SourceExpectation source_through_service(const Question& question, const Decision& decision,
                                         std::span<const SocketAddress> endpoints) {
  SourceExpectation source = by_scope(question, decision);
  if (question.from_pod() && contains(endpoints, question.client, &SocketAddress::address)) {
    source.rules.push_back(
        applied(RuleId::kSourceHairpin, fmt::format("where {} itself answers it must not see its own {}",
                                                    question.flow->vantage.name(), question.client.to_string())));
  }
  return source;
}

SourceExpectation source_direct(const Question& question) {
  if (question.from_pod() && question.flow->entry.target.address == question.client) {
    return {
        SourceRule::kAny, {}, {applied(RuleId::kSourceDirect, "the pod calls itself without leaving its namespace")}};
  }
  return question.flow->vantage.kind == VantageKind::kNode ? client_node(question, RuleId::kSourceDirect)
                                                           : client_itself(question, RuleId::kSourceDirect);
}

}  // namespace conntruth::oracle
