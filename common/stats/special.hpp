#pragma once
// The two special functions on which our bounds stand, in double precision. Relative accuracy: 1e-10 for counts up to
// 1e4 and 1e-7 for counts up to 1e6, held against Boost.Math in tests. Sources: NIST DLMF §8.7, §8.9 (incomplete gamma
// function) and §8.17 (incomplete beta function), by series and by continued fractions (modified Lentz).
// Threading: pure functions.

namespace conntruth::stats {

// Regularised upper incomplete gamma function Q(a, x); a > 0, x >= 0.
[[nodiscard]] double gamma_q(double a, double x);

// Regularised incomplete beta function I_x(a, b); a, b > 0, 0 <= x <= 1.
[[nodiscard]] double beta_i(double a, double b, double x);

// ln Γ(x), x > 0. Reentrant, where std::lgamma writes to a global.
[[nodiscard]] double log_gamma(double x);

}  // namespace conntruth::stats
