#pragma once
// The fold: from the joined samples of a run to one observation per cell and control. A pure function; its result
// depends on the set of samples and not on the order in which they came.
// Threading: pure functions.

#include "controller/matrix/observation.hpp"
#include "controller/matrix/run_facts.hpp"
#include "controller/matrix/sample_table.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::matrix {

// Of `facts` only the stages' published_ns is used.
[[nodiscard]] Observations fold(const plan::Plan& plan, const SampleTable& samples, const RunFacts& facts);

}  // namespace conntruth::matrix
