#include "controller/plan/reading_probes.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "controller/plan/planner.hpp"

namespace conntruth::plan {

std::uint32_t probes_to_see(std::size_t endpoints) {
  constexpr double kMayMiss = 0.001;
  if (endpoints < 2) return kLeastReadingProbes;
  const auto count = static_cast<double>(endpoints);
  const auto needed = std::ceil(std::log(kMayMiss / count) / std::log1p(-1 / count));
  if (needed >= kMostReadingProbes) return kMostReadingProbes;
  return std::max(kLeastReadingProbes, static_cast<std::uint32_t>(needed));
}

double share_missed_by(std::uint32_t probes) {
  constexpr double kMissed = 0.05;
  return probes == 0 ? 1 : 1 - std::pow(kMissed, 1.0 / probes);
}

std::string describe_reading(const Plan& plan) {
  std::map<std::uint32_t, const ProbeTask*> tasks;
  std::uint32_t least = UINT32_MAX;
  std::uint32_t most = 0;
  for (const auto& stage : plan.stages) {
    for (const auto& planned : stage.tasks) tasks.emplace(planned.task.id, &planned.task);
    for (const auto& cell : stage.cells) {
      if (!cell.expectation.outcomes.replied || cell.flow.entry.kind == EntryKind::kPodIp) continue;
      const auto count = tasks.at(cell.tasks.front())->count;
      least = std::min(least, count);
      most = std::max(most, count);
    }
  }
  if (most == 0) return "no cell that must be answered through a Service";
  const auto numbers = least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
  return fmt::format(
      "{} probes for each cell that must be answered; {} of them miss a loss of up to {:.1f} % of flows "
      "in one run of twenty",
      numbers, least, 100 * share_missed_by(least));
}

}  // namespace conntruth::plan
