#pragma once
// What a planted fault must do to a run, from the `expect` of its file, and the comparison with the run's report.
// docs/faults.md describes the format. Plain values; no I/O.

#include <map>
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
  std::vector<std::string> select;   // for `conntruth run --select`
  std::vector<ExpectedCells> cells;  // the first one that matches a cell counts
  std::string pattern;               // part of the run's pattern; "": not looked at
  bool everywhere = false;           // tried on every node, not on the default one alone
};

// kInvalidInput names what is wrong with it.
[[nodiscard]] Result<Expectation> read_expectation(const std::string& yaml);

struct JudgedCell {
  std::string id;
  std::string verdict;
  std::string reason;
  std::string text;
};

struct Report {
  std::vector<JudgedCell> cells;
  std::string pattern;  // of the whole run
};

[[nodiscard]] Result<Report> read_report(const std::string& json);

struct Difference {
  std::string text;
  bool false_alarm = false;  // a cell that is not green and should be
};

// Every cell that is not as expected, and every glob that matches no scored cell; empty: exactly right.
[[nodiscard]] std::vector<Difference> compare(const Expectation& expectation, const Report& report,
                                              const std::string& node, const std::vector<std::string>& nodes);

}  // namespace conntruth::faults
