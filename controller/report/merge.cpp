#include "controller/report/merge.hpp"

#include <algorithm>
#include <string_view>

namespace conntruth::report {

namespace {

// "SCENARIO / STEP / " of "SCENARIO / STEP / TABLE".
std::string_view step_of(const Grid& grid) {
  const std::string_view title = grid.title;
  return title.substr(0, title.rfind(" / ") + 3);
}

bool says_the_same(const ReportCell* a, const ReportCell* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->expected_glyph == b->expected_glyph && a->observed_glyph == b->observed_glyph &&
         a->comparison_glyph == b->comparison_glyph && a->expected_word == b->expected_word &&
         a->observed_word == b->observed_word;
}

bool has_red(const Grid& grid) {
  return std::ranges::any_of(grid.at, [](const auto* cell) { return cell != nullptr && is_red(*cell); });
}

bool alike(const Grid& a, const Grid& b) {
  return step_of(a) == step_of(b) && a.rows == b.rows && a.columns.size() == b.columns.size() && !has_red(a) &&
         !has_red(b) && std::ranges::equal(a.at, b.at, says_the_same);
}

void take_in(Grid& grid, const Grid& other) {
  grid.title += "; ";
  grid.title += std::string_view(other.title).substr(step_of(other).size());
  for (std::size_t i = 0; i < grid.columns.size(); ++i) {
    if (grid.columns[i].find(other.columns[i]) == std::string::npos) grid.columns[i] += ", " + other.columns[i];
  }
}

}  // namespace

std::vector<Grid> merge_alike(std::vector<Grid> grids) {
  std::vector<Grid> merged;
  for (auto& grid : grids) {
    const auto twin = std::ranges::find_if(merged, [&](const Grid& each) { return alike(each, grid); });
    if (twin == merged.end()) {
      merged.push_back(std::move(grid));
    } else {
      take_in(*twin, grid);
    }
  }
  return merged;
}

}  // namespace conntruth::report
