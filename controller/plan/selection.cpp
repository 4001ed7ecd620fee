#include "controller/plan/selection.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <numeric>
#include <ranges>

namespace conntruth::plan {
namespace {

constexpr std::size_t kSuggestions = 3;

bool is_cell_pattern(const std::string& pattern) { return pattern.find('/') != std::string::npos; }

std::string scenario_part(const std::string& pattern) { return pattern.substr(0, pattern.find('/')); }

bool matches_any(const std::string& pattern, const std::vector<std::string>& texts) {
  return std::ranges::any_of(texts, [&](const std::string& text) { return glob_matches(pattern, text); });
}

// All of its cells.
bool names_scenario(const std::string& pattern, const catalogue::Scenario& scenario) {
  return glob_matches(pattern, scenario.id) || matches_any(pattern, scenario.covers);
}

// Some of its cells at least.
bool names_part_of(const std::string& pattern, const catalogue::Scenario& scenario) {
  return glob_matches(pattern, scenario.id) || matches_any(pattern, catalogue::all_covers(scenario));
}

// Levenshtein's distance; text that contains what was typed is nearer than text that does not.
std::size_t distance(std::string_view left, std::string_view right) {
  if (right.find(left) != std::string_view::npos) return 0;
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < right.size(); ++j) {
      const auto change = diagonal + (left[i] == right[j] ? 0U : 1U);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

bool glob_matches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

std::string closest(std::string_view wanted, std::vector<std::string> candidates) {
  std::ranges::sort(candidates);
  const auto repeated = std::ranges::unique(candidates);
  candidates.erase(repeated.begin(), repeated.end());
  std::ranges::stable_sort(candidates, {}, [&](const std::string& each) { return distance(wanted, each); });
  candidates.resize(std::min(candidates.size(), kSuggestions));
  return fmt::format("{}", fmt::join(candidates, ", "));
}

Result<std::vector<const catalogue::Scenario*>> Selection::scenarios(
    const std::vector<catalogue::Scenario>& all) const {
  std::vector<std::string> ids;
  for (const auto& scenario : all) {
    ids.push_back(scenario.id);
    std::ranges::move(catalogue::all_covers(scenario), std::back_inserter(ids));
  }
  const auto matches = [](const std::string& pattern, const catalogue::Scenario& scenario) {
    return is_cell_pattern(pattern) ? glob_matches(scenario_part(pattern), scenario.id)
                                    : names_part_of(pattern, scenario);
  };
  for (const auto* list : {&options_.select, &options_.skip}) {
    for (const auto& pattern : *list) {
      if (std::ranges::any_of(all, [&](const auto& scenario) { return matches(pattern, scenario); })) continue;
      const auto wanted = is_cell_pattern(pattern) ? scenario_part(pattern) : pattern;
      return fail(ErrorCode::kInvalidInput, fmt::format("nothing in the catalogue is called \"{}\"; the closest are {}",
                                                        wanted, closest(wanted, ids)));
    }
  }
  std::vector<const catalogue::Scenario*> result;
  for (const auto& scenario : all) {
    const auto matching = [&](const std::string& pattern) { return matches(pattern, scenario); };
    const bool selected = options_.select.empty() || std::ranges::any_of(options_.select, matching);
    const bool skipped = std::ranges::any_of(options_.skip, [&](const auto& pattern) {
      return !is_cell_pattern(pattern) && names_scenario(pattern, scenario);
    });
    if (selected && !skipped) result.push_back(&scenario);
  }
  std::ranges::sort(result, {}, &catalogue::Scenario::id);
  return result;
}

bool Selection::takes_cell(const catalogue::Scenario& scenario, const std::string& cell,
                           const std::vector<std::string>& covers) const {
  const auto matching = [&](const std::string& pattern) {
    return is_cell_pattern(pattern) ? glob_matches(pattern, cell)
                                    : names_scenario(pattern, scenario) || matches_any(pattern, covers);
  };
  const bool selected = options_.select.empty() || std::ranges::any_of(options_.select, matching);
  return selected && std::ranges::none_of(options_.skip, matching);
}

Status Selection::check_cells(const std::vector<std::string>& cells) const {
  for (const auto& pattern : options_.select) {
    if (!is_cell_pattern(pattern)) continue;
    const auto matching = [&](const std::string& cell) { return glob_matches(pattern, cell); };
    if (std::ranges::any_of(cells, matching)) continue;
    const auto of_scenario = [&](const std::string& cell) { return cell.starts_with(scenario_part(pattern) + "/"); };
    std::vector<std::string> candidates;
    for (const auto& cell : cells | std::views::filter(of_scenario) | std::views::take(2000))
      candidates.push_back(cell);
    return fail(ErrorCode::kInvalidInput,
                fmt::format("no cell is called \"{}\"; the closest are {}", pattern, closest(pattern, candidates)));
  }
  return {};
}

}  // namespace conntruth::plan
