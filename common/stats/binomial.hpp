#pragma once
// Exact statements about proportions: what `failures` of `trials` says about the true rate, and how many trials a
// statement needs. Nothing here uses a normal approximation. Source: Clopper and Pearson, Biometrika 26 (1934).
// Threading: pure functions.

#include <cstdint>

namespace conntruth::stats {

struct Interval {
  double low = 0.0;
  double high = 1.0;
};

// P(X >= k) and P(X <= k) for X ~ Binomial(n, p).
[[nodiscard]] double binomial_at_least(std::uint64_t k, std::uint64_t n, double p);
[[nodiscard]] double binomial_at_most(std::uint64_t k, std::uint64_t n, double p);

// Two-sided interval that covers the true rate with chance at least 1 - alpha. trials = 0 gives [0, 1].
[[nodiscard]] Interval clopper_pearson(std::uint64_t failures, std::uint64_t trials, double alpha);
// One-sided: the true rate is at most this with confidence 1 - alpha. 0 of 280 at alpha 1e-6: 0.0481.
[[nodiscard]] double upper_bound(std::uint64_t failures, std::uint64_t trials, double alpha);

// The smallest number of trials of which at least one fails with chance 1 - miss_chance when each fails with
// `loss_rate`: ceil(ln miss_chance / ln(1 - loss_rate)). (0.05, 1e-6) gives 270. Both in (0, 1).
[[nodiscard]] std::uint64_t sample_size(double loss_rate, double miss_chance);

}  // namespace conntruth::stats
