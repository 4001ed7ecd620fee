#pragma once
// What so many runs with planted faults said of their causes: in all, by fault, by code. Plain values, no I/O.

#include <cstdint>
#include <map>
#include <string>

#include "tests/faults/expectation.hpp"

namespace conntruth::faults {

struct Counted {
  std::uint64_t runs = 0, red_runs = 0;
  CauseCount causes;
};

class CauseTally {
 public:
  // A run with `fault` on `node`.
  void take(const std::string& fault, const Expectation& expectation, const Report& report, const std::string& node);
  // One that could not be made.
  void broken() { ++broken_; }

  [[nodiscard]] std::uint64_t runs() const { return total_.runs + broken_; }
  // No cause was wrong. A runner that turns nothing red, explains nothing or breaks has not shown that.
  [[nodiscard]] bool is_good() const { return total_.causes.wrong == 0 && total_.causes.explained > 0 && broken_ == 0; }
  // "75 runs (63 with red cells, 0 broken), causes given for 538 of 546 red cells (98.5 %), wrong 0"
  [[nodiscard]] std::string line() const;
  // Rows of Markdown: each fault with its runs, red cells, causes and wrong ones; each code with its cells.
  [[nodiscard]] std::string tables() const;

 private:
  Counted total_;
  std::uint64_t broken_ = 0;
  std::map<std::string, Counted> faults_;
  std::map<std::string, CauseCount> codes_;
};

}  // namespace conntruth::faults
