#pragma once
// In which stage each scenario begins. Scenarios with fewer steps than the longest one may begin later; spread over
// the stages their probes run while other scenarios have to wait for time to pass. Internal to the room.
// Threading: pure functions.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace conntruth::plan {

// What one step of a scenario asks of its stage.
struct StepLoad {
  std::uint64_t probes = 0;
  std::chrono::milliseconds span{0};  // so long its paced tasks take, however fast the machine is
};

// For each scenario (given by its steps, at least one) the index of its first stage. There are as many stages as the
// longest scenario has steps. Deterministic; the same loads give the same stages.
[[nodiscard]] std::vector<std::size_t> first_stages(const std::vector<std::vector<StepLoad>>& scenarios);

}  // namespace conntruth::plan
