#include "common/stats/special.hpp"

#include <math.h>  // lgamma_r is POSIX, not standard C++

#include <cmath>
#include <limits>

namespace conntruth::stats {

namespace {

constexpr double kEpsilon = 1e-15;
constexpr double kTiny = 1e-300;
constexpr int kMaxTerms = 100000;  // both expansions need about sqrt(argument) terms

// Modified Lentz: f = b0 + a1/(b1 + a2/(b2 + ...)), one (a, b) at a time.
class ContinuedFraction {
 public:
  explicit ContinuedFraction(double b0) : value_(guard(b0)), c_(value_) {}

  // True once a further term changes nothing.
  bool add(double a, double b) {
    d_ = 1.0 / guard(b + a * d_);
    c_ = guard(b + a / c_);
    const double factor = c_ * d_;
    value_ *= factor;
    return std::fabs(factor - 1.0) < kEpsilon;
  }
  [[nodiscard]] double value() const { return value_; }

 private:
  static double guard(double x) { return std::fabs(x) < kTiny ? kTiny : x; }
  double value_;
  double c_;
  double d_ = 0.0;
};

// P(a, x) by its power series (DLMF 8.7.1), good for x < a + 1.
double gamma_p_series(double a, double x) {
  double term = 1.0 / a;
  double sum = term;
  for (int n = 1; n < kMaxTerms && term > sum * kEpsilon; ++n) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * std::exp(a * std::log(x) - x - log_gamma(a));
}

// Q(a, x) by its continued fraction (DLMF 8.9.2), good for x >= a + 1.
double gamma_q_fraction(double a, double x) {
  ContinuedFraction fraction(x + 1.0 - a);
  for (int n = 1; n < kMaxTerms; ++n) {
    if (fraction.add(-n * (n - a), x + 2.0 * n + 1.0 - a)) break;
  }
  return std::exp(a * std::log(x) - x - log_gamma(a)) / fraction.value();
}

// I_x(a, b) by DLMF 8.17.22, which converges fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  ContinuedFraction fraction(1.0);
  for (int m = 0; m < kMaxTerms; ++m) {
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
    fraction.add(odd, 1.0);
    const double next = m + 1.0;
    const double even = next * (b - next) * x / ((a + 2.0 * next - 1.0) * (a + 2.0 * next));
    if (fraction.add(even, 1.0)) break;
  }
  const double log_front =
      a * std::log(x) + b * std::log1p(-x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b) - std::log(a);
  return std::exp(log_front) / fraction.value();
}

}  // namespace

double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

double gamma_q(double a, double x) {
  if (!(a > 0.0) || !(x >= 0.0)) return std::numeric_limits<double>::quiet_NaN();
  if (x <= 0.0) return 1.0;
  return x < a + 1.0 ? 1.0 - gamma_p_series(a, x) : gamma_q_fraction(a, x);
}

double beta_i(double a, double b, double x) {
  if (!(a > 0.0) || !(b > 0.0) || !(x >= 0.0 && x <= 1.0)) return std::numeric_limits<double>::quiet_NaN();
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  return x < (a + 1.0) / (a + b + 2.0) ? beta_fraction(a, b, x) : 1.0 - beta_fraction(b, a, 1.0 - x);
}

}  // namespace conntruth::stats
