#pragma once
// One character per cell, for matrices. The only list of glyphs; docs/report.md shows it to users.

#include <string_view>

#include "controller/judge/verdict.hpp"
#include "controller/matrix/observation.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::report {

inline constexpr std::string_view kLegend =
    ". replied / as expected   X wrong   r refused   t timed out   w wrong endpoint   s wrong source   u uneven "
    "spread\n"
    "l late or never followed   e tool error   ? invalid (control failed)   ~ recorded only   / any of several   - "
    "none";

// '.', 'r', 't', or '/' where several outcomes are acceptable.
[[nodiscard]] char expected_glyph(const OutcomeSet& outcomes);
// What was seen: of a red cell what its first reason says, else the most frequent outcome.
[[nodiscard]] char observed_glyph(const judge::CellVerdict& verdict, const matrix::OutcomeCounts& outcomes);
// '.', 'X', '?', 'e', '~' or '-'.
[[nodiscard]] char comparison_glyph(judge::Verdict verdict);
// True where `observed` is one of the acceptable outcomes.
[[nodiscard]] bool glyph_fits(const OutcomeSet& outcomes, char observed);

}  // namespace conntruth::report
