// Findings about what health endpoints said.
#include <fmt/format.h>

#include <algorithm>

#include "controller/judge/findings.hpp"

namespace conntruth::judge {

namespace {

using matrix::HttpCount;

// The first thing that is wrong with an answer; the others follow from it.
ReasonCode code_of(const HttpAnswer& answer, const HttpExpectation& wanted) {
  if (answer.status != wanted.status) return ReasonCode::kWrongStatus;
  if (wanted.local_endpoints && answer.local_endpoints != wanted.local_endpoints) return ReasonCode::kWrongCount;
  return ReasonCode::kWrongService;
}

}  // namespace

std::string list(const std::vector<HttpCount>& answers) {
  std::vector<std::string> words;
  for (const auto& each : answers) {
    const HttpExpectation said{each.answer.status, each.answer.local_endpoints, {}};
    const auto service = each.answer.service.empty() ? "" : fmt::format(" of {}", each.answer.service);
    words.push_back(fmt::format("{}{} in {}", to_string(said), service, each.count));
  }
  return join(words);
}

Reasons http_findings(const CellContext& context) {
  const auto& wanted = context.cell.expectation.http;
  if (!wanted) return {};
  Reasons reasons;
  for (const auto code : {ReasonCode::kWrongStatus, ReasonCode::kWrongCount, ReasonCode::kWrongService}) {
    std::vector<HttpCount> wrong;
    std::uint64_t count = 0;
    for (const auto& each : context.seen.http) {
      if (each.acceptable || code_of(each.answer, *wanted) != code) continue;
      wrong.push_back(each);
      count += each.count;
    }
    if (wrong.empty()) continue;
    const auto service = wanted->service.empty() ? "" : fmt::format(" of {}", wanted->service);
    reasons.push_back(
        {code, fmt::format("{} GETs from {} were answered {}; expected {}{}", of(count, context.seen.received),
                           describe(context.cell.flow), list(wrong), to_string(*wanted), service)});
  }
  return reasons;
}

}  // namespace conntruth::judge
