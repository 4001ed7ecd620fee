#pragma once
// Plan options and report facts as JSON and back, for a run's inputs. Errors: kInvalidInput naming the field.
// Threading: pure functions.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.hpp"
#include "controller/plan/planner.hpp"

namespace conntruth::app {

struct RunSettings {
  plan::PlanOptions options;
  std::vector<std::pair<std::string, std::string>> facts;
};

[[nodiscard]] std::string settings_to_json(const RunSettings& settings);
[[nodiscard]] Result<RunSettings> settings_from_json(std::string_view text);

}  // namespace conntruth::app
