#pragma once
// Which cells of a stage cannot be judged without certain agents. Runner and judge both ask, the one before it sends
// and the other from what was stored, so that they agree. Threading: pure functions.

#include <set>
#include <string>
#include <vector>

#include "controller/plan/plan.hpp"

namespace conntruth::plan {

// Parallel to Stage::cells and Stage::controls: true where one of these agents has to probe, or to answer a positive
// control, or where its node is entered (a node port, a health endpoint). Such a control would fail and make its cells
// invalid, after a time-out for every probe.
struct Dependence {
  std::vector<bool> cells;
  std::vector<bool> controls;
};

[[nodiscard]] Dependence dependence_on(const std::set<std::string>& agents, const Plan& plan, const Stage& stage);

}  // namespace conntruth::plan
