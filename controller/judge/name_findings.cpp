// Findings about what the cluster's DNS said.
#include <fmt/format.h>

#include "controller/judge/findings.hpp"

namespace conntruth::judge {

std::string list(const std::vector<matrix::NameCount>& answers) {
  std::vector<std::string> words;
  for (const auto& each : answers) words.push_back(fmt::format("{} in {}", to_string(each.answer), each.count));
  return join(words);
}

Reasons name_findings(const CellContext& context) {
  const auto& wanted = context.cell.expectation.name;
  if (!wanted) return {};
  std::vector<matrix::NameCount> wrong;
  std::uint64_t count = 0;
  for (const auto& each : context.seen.lookups) {
    if (each.acceptable) continue;
    wrong.push_back(each);
    count += each.count;
  }
  if (wrong.empty()) return {};
  return {{ReasonCode::kWrongName,
           fmt::format("{} lookups of {} from {} were answered {}; expected {}", of(count, context.seen.received),
                       context.cell.flow.entry.name, describe(context.cell.flow), list(wrong), to_string(*wanted))}};
}

}  // namespace conntruth::judge
