#pragma once
// One matrix: the cells of one table as rows and columns in the plan's order. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "controller/report/report.hpp"

namespace conntruth::report {

struct Grid {
  std::string scenario;
  std::string title;  // "SCENARIO / STEP / TABLE"
  std::vector<std::string> rows;
  std::vector<std::string> columns;
  std::vector<const ReportCell*> at;  // row by row; null where the table has no such cell
  std::uint64_t rows_left_out = 0;
  std::uint64_t columns_left_out = 0;

  [[nodiscard]] const ReportCell* cell(std::size_t row, std::size_t column) const {
    return at[row * columns.size() + column];
  }
};

// True for what a reader has to look at: failed, invalid and error cells.
[[nodiscard]] bool is_red(const ReportCell& cell);

// Planned cells only, tables in the plan's order. Two cells at one place: the one that needs more attention is shown.
[[nodiscard]] std::vector<Grid> make_grids(const Report& report);

// At most `limit` rows and columns: those without a red cell go first, then the last ones. What went is counted.
[[nodiscard]] Grid trimmed(Grid grid, std::size_t limit);

}  // namespace conntruth::report
