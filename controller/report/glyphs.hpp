#pragma once
// One character per cell, for matrices. The only list of glyphs; docs/report.md shows it to users.

#include <string>
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

inline constexpr std::string_view kHttpLegend =
    "200/1 answered with HTTP status 200 and 1 local endpoint   h different answers";

// '.', 'r', 't', or '/' where several outcomes are acceptable.
[[nodiscard]] char expected_glyph(const OutcomeSet& outcomes);
// What was seen: of a red cell what its first reason says, else the most frequent outcome.
[[nodiscard]] char observed_glyph(const judge::CellVerdict& verdict, const matrix::OutcomeCounts& outcomes);
// '.', 'X', '?', 'e', '~' or '-'.
[[nodiscard]] char comparison_glyph(judge::Verdict verdict);
// "200/1", "503"; "" where no answer over HTTP is expected or was seen. Of several answers the most frequent one.
[[nodiscard]] std::string http_word(const Expectation& expectation);
[[nodiscard]] std::string http_word(const matrix::CellObservation& seen);
// True where `observed` is one of the acceptable outcomes.
[[nodiscard]] bool glyph_fits(const OutcomeSet& outcomes, char observed);

}  // namespace conntruth::report
