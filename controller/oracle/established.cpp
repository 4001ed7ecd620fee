// What becomes of a connection that was opened in an earlier world.
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "controller/oracle/endpoint_selection.hpp"
#include "controller/oracle/entry_lookup.hpp"
#include "controller/oracle/membership.hpp"
#include "controller/oracle/oracle.hpp"
#include "controller/oracle/recorded.hpp"
#include "controller/oracle/rules.hpp"

namespace conntruth::oracle {
namespace {

constexpr OutcomeSet kReply{.replied = true, .refused = false, .timed_out = false};

Expectation recorded(Expectation expectation, RuleId rule, std::string text) {
  expectation.rules.push_back(applied(rule, std::move(text)));
  only_record(expectation);
  return expectation;
}

// The endpoints that the Service port has now, whatever their conditions.
std::vector<SocketAddress> listed_now(const world::World& now, const Frontend& frontend, Family family) {
  std::vector<SocketAddress> listed;
  for (const auto& candidate : candidates_of(now, *frontend.service, *frontend.port, family)) {
    listed.push_back(candidate.address);
  }
  return listed;
}

// Without a Service in the path only the endpoint itself counts.
std::vector<SocketAddress> listed_directly(const world::World& now, const Flow& flow) {
  for (const auto& slice : now.slices) {
    for (const auto& port : slice.ports) {
      if (port.protocol != flow.protocol || port.port != flow.entry.target.port) continue;
      for (const auto& endpoint : slice.endpoints) {
        if (contains(endpoint.addresses, flow.entry.target.address)) return {flow.entry.target};
      }
    }
  }
  return {};
}

bool is_serving(const Candidate& candidate) { return candidate.ready || candidate.draining; }

}  // namespace

Result<Expectation> expect_fixed_udp(const Expectation& before, const Flow& flow, const world::World& now) {
  auto expectation = expect(now, flow);
  if (!expectation) return expectation;
  if (!expectation->endpoints.empty()) expectation->spread = Spread::kFree;
  if (flow.protocol != Protocol::kUdp || !before.scored || before.outcomes != kReply) return expectation;
  const auto question = ask(now, flow);
  if (!question) return std::unexpected(question.error());
  const auto frontend = find_frontend(*question);
  if (!frontend) return expectation;
  std::vector<SocketAddress> staying;
  for (const auto& candidate : candidates_of(now, *frontend->service, *frontend->port, flow.family())) {
    if (is_serving(candidate) && contains(before.endpoints, candidate.address)) staying.push_back(candidate.address);
  }
  if (staying.empty() || !expectation->scored) return expectation;
  auto text =
      fmt::format("the flow reached one of {} before; {} may keep it", enumerate(before.endpoints), enumerate(staying));
  if (staying.size() == before.endpoints.size()) {
    expectation->endpoints.clear();
    expectation->source = before.source;
    expectation->source_addresses = before.source_addresses;
  }
  std::vector<SocketAddress> both;
  std::ranges::set_union(expectation->endpoints, staying, std::back_inserter(both));
  expectation->endpoints = std::move(both);
  expectation->outcomes = kReply;
  expectation->spread = Spread::kFree;
  expectation->rules.push_back(applied(RuleId::kUdpFlowStays, std::move(text)));
  return expectation;
}

Result<Expectation> expect_established(const world::World& opened, const Flow& flow, const world::World& now) {
  if (flow.protocol != Protocol::kTcp) {
    return fail(ErrorCode::kInvalidInput, "only TCP connections are established; probe other protocols by new flows");
  }
  auto expectation = expect(opened, flow);
  if (!expectation) return expectation;
  const auto& target = flow.entry.target;
  if (!expectation->scored || expectation->outcomes != kReply) {
    return recorded(std::move(*expectation), RuleId::kEstablishedNeverOpened,
                    fmt::format("a connection to {} did not have to come about: not scored", target.to_string()));
  }
  expectation->spread = Spread::kFree;
  const auto question = ask(opened, flow);
  if (!question) return std::unexpected(question.error());
  const auto frontend = find_frontend(*question);
  const auto* service = frontend ? now.service(frontend->service->key()) : nullptr;
  if (frontend && (service == nullptr || *service != *frontend->service)) {
    return recorded(
        std::move(*expectation), RuleId::kEstablishedServiceChanged,
        fmt::format("{} is not what it was when the connection was opened: not scored", frontend->service->key()));
  }
  const auto listed = frontend ? listed_now(now, *frontend, flow.family()) : listed_directly(now, flow);
  const auto gone =
      std::ranges::find_if(expectation->endpoints, [&](const SocketAddress& each) { return !contains(listed, each); });
  if (gone != expectation->endpoints.end()) {
    auto text =
        fmt::format("{}, which may hold the connection, is in no slice any more: not scored", gone->to_string());
    return recorded(std::move(*expectation), RuleId::kEstablishedEndpointGone, std::move(text));
  }
  expectation->rules.push_back(
      applied(RuleId::kEstablishedKept, fmt::format("the connection was opened earlier to one of {}: it stays there",
                                                    enumerate(expectation->endpoints))));
  return expectation;
}

}  // namespace conntruth::oracle
