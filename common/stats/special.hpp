#pragma once
// The two special functions on which our bounds stand, in double precision. Accuracy: 1e-10 relative or better for the
// arguments met here (counts up to 1e9), checked in tests against Boost.Math. Sources: NIST DLMF §8 (incomplete gamma
// function) and §8.17 (incomplete beta function), evaluated by series and by continued fractions (modified Lentz).
// Threading: pure functions.

namespace conntruth::stats {

// Regularised upper incomplete gamma function Q(a, x); a > 0, x >= 0.
[[nodiscard]] double gamma_q(double a, double x);

// Regularised incomplete beta function I_x(a, b); a, b > 0, 0 <= x <= 1.
[[nodiscard]] double beta_i(double a, double b, double x);

// ln Γ(x), x > 0. Reentrant, where std::lgamma writes to a global.
[[nodiscard]] double log_gamma(double x);

}  // namespace conntruth::stats
