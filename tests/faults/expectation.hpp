#pragma once
// What a planted fault must do to a run, from the `expect` of its file, and the comparison with the run's report.
// docs/faults.md describes the format. Plain values; no I/O.

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace conntruth::faults {

struct ExpectedCells {
  std::string verdict;               // "fail" or "invalid"
  std::string glob;                  // of cell ids, * and ?; $NODE is the fault's node, $OTHER each node but that one
  std::vector<std::string> reasons;  // allowed codes
};

struct Expectation {
  std::string table;                 // of the fault's own rules: "planted_ID"; it need not have any
  std::vector<std::string> select;   // for `conntruth run --select`
  std::vector<ExpectedCells> cells;  // the first one that matches a cell counts
  // Allowed codes of the causes of red cells, on the fault's node; none: not looked at.
  std::vector<std::string> causes;
  // Codes that are as true of cells which the fault was not made for, where the cause names its very rule.
  std::vector<std::string> elsewhere;
  std::vector<std::string> rules;  // parts, one of which the rule of each cause has; none: not looked at
  std::string pattern;             // part of the run's pattern; "": not looked at
  bool everywhere = false;         // tried on every node, not on the default one alone
};

// `fault`: its id. kInvalidInput names what is wrong with it.
[[nodiscard]] Result<Expectation> read_expectation(const std::string& fault, const std::string& yaml);

struct JudgedCell {
  std::string id;
  std::string verdict;
  std::string reason;
  std::string text;
  std::string cause;  // "": it has none
  std::string cause_node;
  std::string cause_rule = {};  // "": none is known
  std::string cause_text = {};
};

struct Report {
  std::vector<JudgedCell> cells;
  std::string pattern;                           // of the whole run
  std::string partial = {};                      // why it is not whole; "": it is
  std::vector<std::string> evidence_notes = {};  // what of the evidence could not be had
};

[[nodiscard]] Result<Report> read_report(const std::string& json);

struct Difference {
  std::string text;
  bool false_alarm = false;  // a cell that is not green and should be
};

// What says that nothing is known is no cause.
[[nodiscard]] bool is_cause(const JudgedCell& cell);
// Whether its cause has node and code of what was planted and, where it names a rule, that of the fault.
[[nodiscard]] bool is_planted(const JudgedCell& cell, const Expectation& expectation, const std::string& node);

struct CauseCount {
  std::uint64_t red = 0, explained = 0, wrong = 0;  // cells; those with a cause; those with one that was not planted
  std::uint64_t named = 0;                          // with a cause and a rule
};
[[nodiscard]] CauseCount count_causes(const Expectation& expectation, const Report& report, const std::string& node);

// Every cell that is not as expected, and every glob that matches no scored cell; empty: exactly right.
[[nodiscard]] std::vector<Difference> compare(const Expectation& expectation, const Report& report,
                                              const std::string& node, const std::vector<std::string>& nodes);

}  // namespace conntruth::faults
