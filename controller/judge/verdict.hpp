#pragma once
// Verdicts of cells and the pattern that red cells make. docs/verdicts.md states the rule and its error rates.
// Plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/stats/shares.hpp"
#include "controller/judge/reason.hpp"

namespace conntruth::judge {

enum class Verdict : std::uint8_t {
  kPass,
  kFail,
  kInvalid,   // a control failed or has no evidence: nothing can be said about the dataplane
  kError,     // the tool could not send or lost samples
  kRecorded,  // the expectation is not scored; the observation is kept
  kNotRun,
};
inline constexpr std::size_t kVerdicts = 6;
[[nodiscard]] std::string_view to_string(Verdict verdict);  // "pass", "fail", "invalid", "error", "recorded", "notRun"

struct Reason {
  ReasonCode code = ReasonCode::kAsExpected;
  std::string text;  // one sentence for people
  bool operator==(const Reason&) const = default;
};

struct CellVerdict {
  Verdict verdict = Verdict::kNotRun;
  std::vector<Reason> reasons;             // never empty; the first one decides, the others add to it
  std::optional<stats::ShareTest> shares;  // where shares were looked at
  [[nodiscard]] const Reason& reason() const { return reasons.front(); }
};

// What the red cells of one scope have in common.
enum class PatternKind : std::uint8_t {
  kEverything,
  kSingleCell,
  kRow,       // clients
  kColumn,    // entries or endpoints
  kDiagonal,  // client and endpoint on the same node, or just not
  kFamily,
  kProtocol,
  kPart,       // one scenario or step
  kMixed,      // several of these together
  kScattered,  // nothing in common
};
[[nodiscard]] std::string_view to_string(PatternKind kind);  // "everything", "single-cell", "row", ...

struct Pattern {
  std::string scope;     // "run", "scenario NAME", "table SCENARIO/STEP/TABLE"
  std::string scenario;  // "" for the whole run
  PatternKind kind = PatternKind::kScattered;
  std::uint64_t red = 0;       // red cells of the scope
  std::uint64_t matching = 0;  // judged cells that the description fits; red = matching: it is exact
  std::string text;
  bool operator==(const Pattern&) const = default;
};

struct Judgement {
  std::vector<std::vector<CellVerdict>> stages;  // parallel to Plan::stages and their cells
  std::vector<CellVerdict> not_run;              // parallel to Plan::not_run
  std::vector<Pattern> patterns;                 // only of scopes with red cells: run, scenarios, tables
};

}  // namespace conntruth::judge
