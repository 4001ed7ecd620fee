#pragma once
// What of the catalogue a run is asked to do. Internal to the room, but for glob_matches(). Threading: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/catalogue/scenario.hpp"
#include "controller/plan/planner.hpp"

namespace conntruth::plan {

[[nodiscard]] bool glob_matches(const std::string& pattern, const std::string& text);

// The (at most three) candidates that differ least from `wanted`, as text for a message: "a, b, c".
[[nodiscard]] std::string closest(std::string_view wanted, std::vector<std::string> candidates);

class Selection {
 public:
  explicit Selection(const PlanOptions& options) : options_(options) {}
  // kInvalidInput for a pattern that names no scenario.
  [[nodiscard]] Result<std::vector<const catalogue::Scenario*>> scenarios(
      const std::vector<catalogue::Scenario>& all) const;
  // `covers`: beside what the whole scenario covers.
  [[nodiscard]] bool takes_cell(const catalogue::Scenario& scenario, const std::string& cell,
                                const std::vector<std::string>& covers) const;
  // kInvalidInput for a cell pattern that matched no cell of `cells`.
  [[nodiscard]] Status check_cells(const std::vector<std::string>& cells) const;

 private:
  const PlanOptions& options_;
};

}  // namespace conntruth::plan
