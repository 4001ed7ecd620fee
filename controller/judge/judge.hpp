#pragma once
// The judge: plan and observations to verdicts with their reasons. Pure and deterministic: the same input gives the
// same bytes. Rates of error are constants here, and docs/verdicts.md does the arithmetic. Threading: pure functions.

#include "controller/judge/verdict.hpp"
#include "controller/matrix/observation.hpp"
#include "controller/matrix/run_facts.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::judge {

inline constexpr double kDetectableLoss = 0.05;  // a fault that hits this share of flows ...
inline constexpr double kMissChance = 1e-6;      // ... passes unseen with at most this chance: 270 flows
inline constexpr double kShareAlpha = 1e-9;      // a share test with a smaller p is red

[[nodiscard]] Judgement judge(const plan::Plan& plan, const matrix::Observations& observations,
                              const matrix::RunFacts& facts);

}  // namespace conntruth::judge
