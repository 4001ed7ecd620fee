#pragma once
// What is wrong with one cell's samples, as reasons: an empty list means that they are as expected. Each function looks
// at one aspect; the judge puts them in the order of outcome, endpoint, source, spread. Pure.

#include <vector>

#include "controller/judge/judge.hpp"
#include "controller/judge/names.hpp"

namespace conntruth::judge {

struct CellContext {
  const plan::Cell& cell;
  const matrix::CellObservation& seen;
  const Names& names;
  const matrix::RunFacts& facts;
};

using Reasons = std::vector<Reason>;

[[nodiscard]] Reasons outcome_findings(const CellContext& context);   // silent, lost, refused, answered, leaked
[[nodiscard]] Reasons endpoint_findings(const CellContext& context);  // wrong-endpoint, stale-flow
[[nodiscard]] Reasons source_findings(const CellContext& context);
[[nodiscard]] Reasons http_findings(const CellContext& context);  // wrong-status, wrong-count, wrong-service
[[nodiscard]] Reasons name_findings(const CellContext& context);  // wrong-name
// missing-endpoint, uneven-spread, not-sticky, not-rotated; `test` is set where shares were looked at.
[[nodiscard]] Reasons spread_findings(const CellContext& context, std::optional<stats::ShareTest>& test);
[[nodiscard]] Reasons follow_findings(const CellContext& context);
[[nodiscard]] Reasons leave_findings(const CellContext& context);
[[nodiscard]] Reasons gap_findings(const CellContext& context);
// What a cell without findings says: who answered, or how it was refused.
[[nodiscard]] Reason as_expected(const CellContext& context);

// "node-1-pod-0:8080 (140) and node-2-pod-0:8080 (140)"
[[nodiscard]] std::string list(const std::vector<matrix::ResponderCount>& responders, const Names& names);
// "503 (0 local) in 8 and 200 (1 local) in 1"
[[nodiscard]] std::string list(const std::vector<matrix::HttpCount>& answers);
// "10.96.0.9 fd00:96::9 in 2 and NXDOMAIN in 1"
[[nodiscard]] std::string list(const std::vector<matrix::NameCount>& answers);

}  // namespace conntruth::judge
