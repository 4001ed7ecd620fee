#pragma once
// Causes of cells whose flows all end well and go to the wrong choice of endpoints: shares and session affinity. That
// the choice is wrong is known from the cell's own flows; which node makes it, and how, from the walks of witnesses.
// Pure.

#include <vector>

#include "controller/evidence/cause.hpp"
#include "controller/matrix/classify.hpp"
#include "controller/matrix/observation.hpp"

namespace conntruth::evidence {

// `walks`: of new flows of `cell`, in the order in which they were sent.
[[nodiscard]] Cause find_choice_cause(const plan::Cell& cell, const matrix::CellObservation& seen,
                                      const matrix::ResponderIndex& responders, const std::vector<Walk>& walks);

// The one of them that tells most of who chooses: of chains at one hook the first one takes the choice from the others,
// and of endpoints the one that is chosen most. Null where none was translated.
[[nodiscard]] const Walk* find_telling_walk(const plan::Cell& cell, const matrix::CellObservation& seen,
                                            const matrix::ResponderIndex& responders, const std::vector<Walk>& walks);

}  // namespace conntruth::evidence
