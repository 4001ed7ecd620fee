#pragma once
// The report of a run: one value from which every output is made. A deterministic function of plan, observations,
// judgement and facts; nothing here reads a clock, a file or the environment.
// Threading: values and pure functions.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.hpp"
#include "controller/evidence/testimony.hpp"
#include "controller/judge/verdict.hpp"
#include "controller/matrix/observation.hpp"
#include "controller/matrix/run_facts.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::report {

// Given by the caller and kept in the run's store, so that a recomputed report has the same bytes.
struct RunInfo {
  std::string id;
  std::vector<std::pair<std::string, std::string>> facts;  // "started", "version", "topology", "kernel", ...
  bool operator==(const RunInfo&) const = default;
};

struct Summary {
  std::uint64_t pass = 0;
  std::uint64_t fail = 0;
  std::uint64_t invalid = 0;
  std::uint64_t error = 0;
  std::uint64_t recorded = 0;
  std::uint64_t not_run = 0;
  std::uint64_t by_profile = 0;  // of them: judged by a fact of a profile instead of the specification alone
  void count(judge::Verdict verdict);
  [[nodiscard]] std::uint64_t total() const { return pass + fail + invalid + error + recorded + not_run; }
  bool operator==(const Summary&) const = default;
};

// How many probes of a kind, and by whom.
struct NamedCount {
  std::string name;     // "node-1-pod-0"
  std::string address;  // "10.244.1.2:8080"
  std::uint64_t count = 0;
  bool expected = true;
  bool operator==(const NamedCount&) const = default;
};

struct ReportControl {
  std::string id;
  bool positive = true;
  bool held = false;
  std::uint64_t planned = 0;
  std::uint64_t right = 0;
  bool operator==(const ReportControl&) const = default;
};

// One cell with everything that any output says about it. A cell that was not run has only id, scenario and reason.
struct ReportCell {
  std::string id, scenario, step, table, row, column;
  Flow flow;
  std::size_t stage = 0;
  bool planned = true;   // false: from Plan::not_run
  bool foreign = false;  // its endpoints are other people's
  plan::CellRule rule = plan::CellRule::kFlows;
  std::int64_t follow_bound_ms = 0;
  std::int64_t settle_ms = 0;
  Expectation expectation;
  std::vector<NamedCount> expected_endpoints;  // counts are 0
  matrix::CellObservation observation;
  std::vector<NamedCount> observed_endpoints;  // sorted by address; acceptable ones that never answered included
  std::vector<NamedCount> arrived_at;          // who saw requests that the client got no answer to
  std::vector<NamedCount> refusals;            // "ICMP port unreachable (3/3) from 10.0.0.1 (node-1)"; address is ""
  std::vector<ReportControl> controls;
  judge::CellVerdict verdict;
  char expected_glyph = '-';
  char observed_glyph = '-';
  char comparison_glyph = '-';
  std::optional<evidence::CellEvidence> evidence;  // of red cells that were asked why
  // Cells asked over HTTP show more than a glyph: "200/1" is status 200 with 1 local endpoint. Else "".
  std::string expected_word;
  std::string observed_word;
};

struct FollowRow {
  std::string node;
  std::string cell;
  std::string scenario;
  std::string step;
  std::size_t stage = 0;
  std::int64_t bound_ms = 0;
  std::int64_t observed_ns = -1;    // -1: never
  std::int64_t settled_ns = -1;     // when the last probe without a right answer was sent; -1: there was none
  std::int64_t programmed_ns = -1;  // the dataplane's own claim; -1: none
  judge::Verdict verdict = judge::Verdict::kNotRun;
};

struct Report {
  RunInfo run;
  Summary summary;
  std::vector<ReportCell> cells;           // sorted by id
  std::vector<std::size_t> table_order;    // indices into cells in the plan's order: rows and columns as planned
  std::vector<FollowRow> follow;           // by stage, then node
  std::vector<matrix::AgentFacts> agents;  // by name
  std::vector<judge::Pattern> patterns;
  std::vector<std::string> evidence_notes;  // what of the evidence could not be had
  std::string ended_early;
  std::uint64_t foreign_samples = 0;
  std::uint64_t duplicate_samples = 0;

  // 0 everything judged passed; 1 tool errors and nothing red (error or invalid cells, a run that ended early); 2 at
  // least one cell failed; 3 nothing was run.
  [[nodiscard]] int exit_code() const;
};

// What there is beside verdicts.
struct Evidence {
  std::map<std::string, evidence::CellEvidence> cells;  // by id
  std::set<std::string> notes;
};

[[nodiscard]] Report make_report(RunInfo run, const plan::Plan& plan, const matrix::Observations& observations,
                                 const judge::Judgement& judgement, const matrix::RunFacts& facts,
                                 Evidence evidence = {});

// The document of docs/report.schema.json, with a newline at its end.
[[nodiscard]] std::string to_json(const Report& report);
[[nodiscard]] std::string to_json(const ReportCell& cell);  // as it stands there; no line break at its end
[[nodiscard]] std::string to_yaml(const Report& report);

// Everything about one cell for people. kNotFound names cells with a similar id.
[[nodiscard]] Result<std::string> explain(const Report& report, std::string_view cell_id);
// That cell as it stands in the report's JSON; the same error.
[[nodiscard]] Result<std::string> cell_json(const Report& report, std::string_view cell_id);

}  // namespace conntruth::report
