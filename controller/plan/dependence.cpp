#include "controller/plan/dependence.hpp"

#include <algorithm>
#include <set>

namespace conntruth::plan {

Dependence dependence_on(const std::set<std::string>& agents, const Plan& plan, const Stage& stage) {
  Dependence result{std::vector<bool>(stage.cells.size()), std::vector<bool>(stage.controls.size())};
  if (agents.empty()) return result;
  std::set<std::uint32_t> tasks;
  std::set<std::uint32_t> responders;
  for (const auto* list : {&stage.tasks, &stage.follow_tasks}) {
    for (const auto& planned : *list) {
      if (agents.contains(planned.agent)) tasks.insert(planned.task.id);
    }
  }
  for (const auto& planned : plan.responders) {
    if (!planned.foreign && agents.contains(planned.agent)) responders.insert(planned.spec.id);
  }
  const auto theirs = [&tasks](const std::vector<std::uint32_t>& ids) {
    return std::ranges::any_of(ids, [&tasks](std::uint32_t id) { return tasks.contains(id); });
  };
  for (std::size_t i = 0; i < stage.controls.size(); ++i) {
    const auto& control = stage.controls[i];
    result.controls[i] = theirs(control.tasks) || (control.positive && responders.contains(control.responder));
  }
  for (std::size_t i = 0; i < stage.cells.size(); ++i) {
    const auto& cell = stage.cells[i];
    // Whether it was the agent alone that went or all of its node is not known.
    const bool entered_there = agents.contains(cell.flow.entry.node);
    result.cells[i] =
        entered_there || theirs(cell.tasks) ||
        std::ranges::any_of(cell.controls, [&result](std::uint32_t index) { return result.controls[index]; });
  }
  return result;
}

}  // namespace conntruth::plan
