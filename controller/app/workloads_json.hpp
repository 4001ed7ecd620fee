#pragma once
// What a run about real Deployments was planned from, as text for its store. Worlds stand in it as Kubernetes objects.
// Errors: kInvalidInput. Threading: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/plan/workload_plan.hpp"

namespace conntruth::app {

[[nodiscard]] std::string outlines_to_json(const std::vector<catalogue::Scenario>& scenarios);
[[nodiscard]] Result<std::vector<catalogue::Scenario>> outlines_from_json(std::string_view text);
[[nodiscard]] std::string workload_stage_to_json(const plan::WorkloadStage& stage);
[[nodiscard]] Result<plan::WorkloadStage> workload_stage_from_json(std::string_view text);

}  // namespace conntruth::app
