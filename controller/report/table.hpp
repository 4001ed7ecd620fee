#pragma once
// Tables for people: expected, observed and comparison side by side. See docs/report.md for glyphs and modes.
// Threading: pure functions.

#include <cstddef>
#include <cstdint>
#include <iosfwd>

#include "controller/report/report.hpp"

namespace conntruth::report {

enum class TableMode : std::uint8_t {
  kCompact,  // green scenarios in one line, red tables in full with a line per red cell
  kWide,     // every table in full, and expected and observed numbers of every red cell
};

struct TableOptions {
  TableMode mode = TableMode::kCompact;
  bool colour = false;
  std::size_t max_rows = 20;  // beyond: rows and columns without a red cell are left out first
};

// Whether to colour: on a terminal, unless NO_COLOR is set to anything but "" (no-color.org).
[[nodiscard]] bool wants_colour(bool is_terminal, const char* no_color);

void print_tables(std::ostream& out, const Report& report, const TableOptions& options);
// The last line: "PASS: 812 cells pass, ..." or "FAIL: ...".
void print_summary(std::ostream& out, const Report& report, const TableOptions& options);

}  // namespace conntruth::report
