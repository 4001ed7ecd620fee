// Findings about answers: who gave them and which source they saw.
#include <fmt/format.h>

#include "controller/judge/findings.hpp"

namespace conntruth::judge {

namespace {

using matrix::ResponderCount;
using matrix::SampleKind;

std::string expected_endpoints(const CellContext& context) {
  std::vector<std::string> words;
  for (const auto& endpoint : context.cell.expectation.endpoints) words.push_back(context.names.endpoint(endpoint));
  return words.size() == 1 ? "only " + words.front() + " may answer" : "only " + join(words) + " may answer";
}

Reasons strangers(const CellContext& context, std::uint64_t ResponderCount::* part, ReasonCode code,
                  std::string_view what) {
  std::vector<ResponderCount> wrong;
  std::uint64_t count = 0;
  for (const auto& entry : context.seen.responders) {
    if (entry.acceptable || entry.*part == 0) continue;
    wrong.push_back(entry);
    count += entry.*part;
  }
  if (wrong.empty()) return {};
  return {{code, fmt::format("{} {} from {} were answered by {}; {}", of(count, context.seen.received), what,
                             describe(context.cell.flow), list(wrong, context.names), expected_endpoints(context))}};
}

// Where connection tracking saw flows go to what no slice lists.
Reasons elsewhere(const CellContext& context) {
  std::vector<std::string> words;
  auto count = context.seen.foreign.elsewhere_beyond;
  for (const auto& entry : context.seen.foreign.elsewhere) {
    words.push_back(fmt::format("{} ({})", context.names.endpoint(entry.address), entry.count));
    count += entry.count;
  }
  if (words.empty()) return {};
  return {{ReasonCode::kWrongEndpoint,
           fmt::format("{} flows from {} were sent to {}, which is no endpoint of any Service; {}",
                       of(count, context.seen.received), describe(context.cell.flow), join(words),
                       expected_endpoints(context))}};
}

// An established connection that another endpoint answers than the one that it was opened to.
Reasons moved(const CellContext& context) {
  std::vector<ResponderCount> others;
  std::uint64_t count = 0;
  for (const auto& entry : context.seen.responders) {
    if (entry.responder == context.seen.kept_by) continue;
    others.push_back(entry);
    count += entry.total();
  }
  if (others.empty()) return {};
  return {{ReasonCode::kConnectionMoved,
           fmt::format("{} requests on one connection from {} were answered by {}; it was opened to {} and stays there",
                       of(count, context.seen.received), describe(context.cell.flow), list(others, context.names),
                       context.names.responder(context.seen.kept_by))}};
}

// The client's own address where it has to be replaced, another one where it has to be kept, or something else.
ReasonCode source_code(const plan::Cell& cell, const IpAddress& seen) {
  const bool own = seen == cell.flow.vantage.source;
  switch (cell.expectation.source) {
    case SourceRule::kClient:
      return own ? ReasonCode::kSourceNotRewritten : ReasonCode::kSourceRewritten;
    case SourceRule::kNode:
      return own ? ReasonCode::kSourceNotRewritten : ReasonCode::kWrongSource;
    case SourceRule::kClientOrNode:
    case SourceRule::kAny:
      return ReasonCode::kWrongSource;
  }
  return ReasonCode::kWrongSource;
}

std::string demanded_source(const CellContext& context, ReasonCode code) {
  const auto& expectation = context.cell.expectation;
  if (expectation.source == SourceRule::kClient && code == ReasonCode::kSourceNotRewritten) {
    return "a pod that reaches itself must not see its own address";
  }
  std::vector<std::string> words;
  for (const auto& address : expectation.source_addresses) words.push_back(context.names.describe(address));
  return "expected " + join(words);
}

}  // namespace

Reasons endpoint_findings(const CellContext& context) {
  if (!context.cell.expectation.outcomes.replied) return {};  // then every answer is wrong, whoever gave it
  if (context.cell.rule == plan::CellRule::kKept) {
    if (auto reasons = moved(context); !reasons.empty()) return reasons;
    return strangers(context, &ResponderCount::fixed, ReasonCode::kWrongEndpoint, "requests on one connection");
  }
  auto reasons = strangers(context, &ResponderCount::fresh, ReasonCode::kWrongEndpoint, "flows");
  auto beyond = elsewhere(context);
  reasons.insert(reasons.end(), beyond.begin(), beyond.end());
  auto stale = strangers(context, &ResponderCount::fixed, ReasonCode::kStaleFlow, "probes of one fixed flow");
  reasons.insert(reasons.end(), stale.begin(), stale.end());
  return reasons;
}

Reasons source_findings(const CellContext& context) {
  const auto total = context.seen.count(SampleKind::kWrongSource);
  Reasons reasons;
  std::uint64_t named = 0;
  for (const auto code : {ReasonCode::kSourceRewritten, ReasonCode::kSourceNotRewritten, ReasonCode::kWrongSource}) {
    std::vector<std::string> words;
    std::uint64_t count = 0;
    for (const auto& source : context.seen.wrong_sources) {
      if (source_code(context.cell, source.address) != code) continue;
      words.push_back(fmt::format("{} in {}", context.names.describe(source.address), source.count));
      count += source.count;
    }
    named += count;
    // What did not fit the bounded list belongs to no address that we could name.
    if (code == ReasonCode::kWrongSource && total > named) {
      words.emplace_back(fmt::format("other addresses in {}", total - named));
      count += total - named;
    }
    if (count == 0) continue;
    reasons.push_back({code, fmt::format("{} flows from {} showed their endpoint a wrong source: {}; {}",
                                         of(count, context.seen.received), describe(context.cell.flow), join(words),
                                         demanded_source(context, code))});
  }
  return reasons;
}

}  // namespace conntruth::judge
