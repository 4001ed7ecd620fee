#include "controller/report/grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace conntruth::report {

namespace {

// How much attention a verdict needs.
int weight(judge::Verdict verdict) {
  switch (verdict) {
    case judge::Verdict::kFail:
      return 5;
    case judge::Verdict::kError:
      return 4;
    case judge::Verdict::kInvalid:
      return 3;
    case judge::Verdict::kNotRun:
      return 2;
    case judge::Verdict::kRecorded:
      return 1;
    case judge::Verdict::kPass:
      return 0;
  }
  return 0;
}

std::size_t position(std::vector<std::string>& names, std::map<std::string, std::size_t>& known,
                     const std::string& name) {
  const auto [found, added] = known.emplace(name, names.size());
  if (added) names.push_back(name);
  return found->second;
}

Grid make_grid(const std::vector<const ReportCell*>& cells) {
  Grid grid;
  const auto& first = *cells.front();
  grid.scenario = first.scenario;
  grid.title = fmt::format("{} / {} / {}", first.scenario, first.step, first.table);
  std::map<std::string, std::size_t> rows;
  std::map<std::string, std::size_t> columns;
  for (const auto* cell : cells) {
    position(grid.rows, rows, cell->row);
    position(grid.columns, columns, cell->column);
  }
  grid.at.resize(grid.rows.size() * grid.columns.size());
  for (const auto* cell : cells) {
    auto& place = grid.at[rows[cell->row] * grid.columns.size() + columns[cell->column]];
    if (place == nullptr || weight(cell->verdict.verdict) > weight(place->verdict.verdict)) place = cell;
  }
  return grid;
}

// Indices to keep: all if they fit; else the red ones, and if there is none the first ones, up to the limit.
std::vector<std::size_t> kept(std::size_t count, std::size_t limit, const std::vector<bool>& red) {
  const bool any_red = std::find(red.begin(), red.end(), true) != red.end();
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < count && indices.size() < limit; ++i) {
    if (count <= limit || !any_red || red[i]) indices.push_back(i);
  }
  return indices;
}

}  // namespace

bool is_red(const ReportCell& cell) { return weight(cell.verdict.verdict) >= weight(judge::Verdict::kInvalid); }

std::vector<Grid> make_grids(const Report& report) {
  using Key = std::tuple<std::size_t, std::string, std::string, std::string>;
  std::vector<std::vector<const ReportCell*>> tables;
  std::map<Key, std::size_t> known;
  for (const auto index : report.table_order) {
    const auto& cell = report.cells[index];
    if (!cell.planned) continue;
    const auto [found, added] = known.emplace(Key{cell.stage, cell.scenario, cell.step, cell.table}, tables.size());
    if (added) tables.emplace_back();
    tables[found->second].push_back(&cell);
  }
  std::vector<Grid> grids;
  for (const auto& table : tables) grids.push_back(make_grid(table));
  // Steps of a scenario lie in different stages; people read a scenario in one piece.
  std::map<std::string, std::size_t> order;
  for (const auto& grid : grids) order.emplace(grid.scenario, order.size());
  std::stable_sort(grids.begin(), grids.end(),
                   [&](const Grid& a, const Grid& b) { return order[a.scenario] < order[b.scenario]; });
  return grids;
}

Grid trimmed(Grid grid, std::size_t limit) {
  if (grid.rows.size() <= limit && grid.columns.size() <= limit) return grid;
  std::vector<bool> red_rows(grid.rows.size());
  std::vector<bool> red_columns(grid.columns.size());
  for (std::size_t row = 0; row < grid.rows.size(); ++row) {
    for (std::size_t column = 0; column < grid.columns.size(); ++column) {
      const auto* cell = grid.cell(row, column);
      if (cell == nullptr || !is_red(*cell)) continue;
      red_rows[row] = red_columns[column] = true;
    }
  }
  const auto rows = kept(grid.rows.size(), limit, red_rows);
  const auto columns = kept(grid.columns.size(), limit, red_columns);
  Grid result;
  result.scenario = grid.scenario;
  result.title = grid.title;
  result.rows_left_out = grid.rows.size() - rows.size();
  result.columns_left_out = grid.columns.size() - columns.size();
  for (const auto column : columns) result.columns.push_back(grid.columns[column]);
  for (const auto row : rows) {
    result.rows.push_back(grid.rows[row]);
    for (const auto column : columns) result.at.push_back(grid.cell(row, column));
  }
  return result;
}

}  // namespace conntruth::report
