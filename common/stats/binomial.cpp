#include "common/stats/binomial.hpp"

#include <cmath>

#include "common/stats/special.hpp"

namespace conntruth::stats {

namespace {

// The rate at which `falling(rate)`, which does not grow, comes down to `level`.
template <typename Function>
double solve(Function falling, double level) {
  double low = 0.0;
  double high = 1.0;
  for (int i = 0; i < 100 && high - low > 1e-15 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (falling(middle) > level ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

// P(X >= k) = I_p(k, n - k + 1), DLMF 8.17.5.
double binomial_at_least(std::uint64_t k, std::uint64_t n, double p) {
  if (k == 0) return 1.0;
  if (k > n) return 0.0;
  return beta_i(static_cast<double>(k), static_cast<double>(n - k) + 1.0, p);
}

double binomial_at_most(std::uint64_t k, std::uint64_t n, double p) {
  if (k >= n) return 1.0;
  return beta_i(static_cast<double>(n - k), static_cast<double>(k) + 1.0, 1.0 - p);
}

double upper_bound(std::uint64_t failures, std::uint64_t trials, double alpha) {
  if (failures >= trials) return 1.0;
  return solve([&](double rate) { return binomial_at_most(failures, trials, rate); }, alpha);
}

Interval clopper_pearson(std::uint64_t failures, std::uint64_t trials, double alpha) {
  Interval interval;
  interval.high = upper_bound(failures, trials, alpha / 2.0);
  interval.low = failures == 0 || trials == 0
                     ? 0.0
                     : solve([&](double rate) { return -binomial_at_least(failures, trials, rate); }, -alpha / 2.0);
  return interval;
}

std::uint64_t sample_size(double loss_rate, double miss_chance) {
  return static_cast<std::uint64_t>(std::ceil(std::log(miss_chance) / std::log1p(-loss_rate)));
}

}  // namespace conntruth::stats
