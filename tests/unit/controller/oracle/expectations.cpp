// The expectations of the shorthand.
#include <algorithm>

#include "tests/unit/controller/oracle/shorthand.hpp"

namespace conntruth::oracle::shorthand {
namespace {

void set_source(Expectation& expectation, const std::string& text, const Flow& flow, const world::World& world) {
  const auto parts = words(text);
  const std::string& rule = parts.at(0);
  expectation.source = rule == "client"   ? SourceRule::kClient
                       : rule == "node"   ? SourceRule::kNode
                       : rule == "either" ? SourceRule::kClientOrNode
                                          : SourceRule::kAny;
  if (rule == "client" || rule == "either") expectation.source_addresses.push_back(flow.vantage.source);
  for (std::size_t at = 1; at < parts.size(); ++at) {
    const world::Node* node = world.node(node_name(parts[at].substr(1)));
    if (node == nullptr) bad("no Node: " + parts[at]);
    for (const IpAddress& address : node->addresses) {
      if (address.family() == flow.family()) expectation.source_addresses.push_back(address);
    }
  }
  std::ranges::sort(expectation.source_addresses);
  const auto rest = std::ranges::unique(expectation.source_addresses);
  expectation.source_addresses.erase(rest.begin(), rest.end());
}

// "http 200 1", "http 503", "recorded http".
Expectation http_expectation(const std::vector<std::string>& said, bool scored, const Flow& flow) {
  Expectation expectation;
  expectation.spread = Spread::kFree;
  expectation.scored = scored;
  expectation.outcomes = {true, !scored, !scored};
  if (!scored) return expectation;
  expectation.http = {port_number(said.at(0)), std::nullopt, {}};
  if (said.size() < 2) return expectation;
  expectation.http->local_endpoints = std::stoull(said[1]);
  expectation.http->service = flow.entry.service;
  return expectation;
}

// "named vip.4 vip.6", "named NXDOMAIN", "named -> web vip.4", "recorded named".
Expectation name_expectation(const std::vector<std::string>& said, bool scored) {
  Expectation expectation;
  expectation.spread = Spread::kFree;
  expectation.scored = scored;
  expectation.outcomes = {true, !scored, !scored};
  if (!scored) return expectation;
  auto& name = expectation.name.emplace();
  for (std::size_t at = 0; at < said.size(); ++at) {
    if (said[at] == "->") {
      name.alias = said.at(++at) + kZone;
    } else if (said[at] == "NXDOMAIN") {
      name.code = NameAnswer::kNoSuchName;
    } else {
      const auto family = said[at].back() == '4' ? Family::kIpv4 : Family::kIpv6;
      name.addresses.push_back(address_of(said[at].substr(0, said[at].size() - 2), family));
    }
  }
  std::ranges::sort(name.addresses);
  return expectation;
}

Spread spread_of(const std::string& word) {
  for (const auto spread : {Spread::kUniform, Spread::kSticky, Spread::kFree}) {
    if (to_string(spread) == word) return spread;
  }
  bad("unknown spread " + word);
}

}  // namespace

Expectation expectation_of(const std::string& text, const Flow& flow, const world::World& world) {
  const auto parts = split(text, ';');
  auto head = words(parts.at(0));
  Expectation expectation;
  const auto http = std::ranges::find(head, "http");
  const auto named = std::ranges::find(head, "named");
  if (named != head.end()) return name_expectation({named + 1, head.end()}, head.at(0) != "recorded");
  if (http != head.end()) return http_expectation({http + 1, head.end()}, head.at(0) != "recorded", flow);
  for (std::size_t at = 1; at < head.size(); ++at)
    expectation.endpoints.push_back(socket_address(head[at], flow.family()));
  expectation.scored = head.at(0) != "recorded";
  if (!expectation.scored) {
    expectation.outcomes = {!expectation.endpoints.empty(), true, true};
    expectation.spread = Spread::kFree;
    return expectation;
  }
  for (const std::string& outcome : split(head[0], '|')) {
    expectation.outcomes.replied |= outcome == "replied";
    expectation.outcomes.refused |= outcome == "refused";
    expectation.outcomes.timed_out |= outcome == "timed-out";
  }
  if (parts.size() > 1) expectation.spread = spread_of(words(parts[1]).at(0));
  if (parts.size() > 2) set_source(expectation, parts[2], flow, world);
  return expectation;
}

}  // namespace conntruth::oracle::shorthand
