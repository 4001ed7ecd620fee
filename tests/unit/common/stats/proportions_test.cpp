#include <gtest/gtest.h>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "common/stats/binomial.hpp"
#include "common/stats/special.hpp"

namespace conntruth::stats {
namespace {

void expect_close(double ours, double theirs, double relative, const std::string& what) {
  EXPECT_LE(std::fabs(ours - theirs), relative * std::fabs(theirs) + 1e-290) << what << ": " << ours << " " << theirs;
}

TEST(Special, upper_gamma_agrees_with_boost) {
  for (const double a : {0.5, 1.0, 2.5, 24.5, 500.0}) {
    for (const double factor : {0.01, 0.5, 0.99, 1.0, 1.01, 2.0, 10.0}) {
      const double x = a * factor;
      expect_close(gamma_q(a, x), boost::math::gamma_q(a, x), 1e-10,
                   "Q(" + std::to_string(a) + "," + std::to_string(x) + ")");
    }
  }
}

TEST(Special, beta_agrees_with_boost) {
  for (const double a : {0.5, 1.0, 11.0, 280.0, 9000.0}) {
    for (const double b : {0.5, 1.0, 37.0, 280.0, 9000.0}) {
      for (const double x : {1e-6, 0.03, 0.3, 0.5, 0.9, 0.9999}) {
        const double theirs = boost::math::ibeta(a, b, x);
        // Where the complement is the small one, its own value is what has to be accurate.
        if (theirs > 0.5) {
          expect_close(beta_i(b, a, 1.0 - x), boost::math::ibeta(b, a, 1.0 - x), 1e-9, "complement");
        } else {
          expect_close(beta_i(a, b, x), theirs, 1e-9,
                       std::to_string(a) + " " + std::to_string(b) + " " + std::to_string(x));
        }
      }
    }
  }
}

TEST(Special, arguments_out_of_range_are_not_a_number) {
  EXPECT_TRUE(std::isnan(gamma_q(0.0, 1.0)));
  EXPECT_TRUE(std::isnan(gamma_q(1.0, -1.0)));
  EXPECT_TRUE(std::isnan(beta_i(1.0, 1.0, 1.5)));
  EXPECT_TRUE(std::isnan(beta_i(-1.0, 1.0, 0.5)));
}

TEST(Binomial, clopper_pearson_agrees_with_boost) {
  using boost::math::binomial_distribution;
  for (const unsigned n : {1U, 10U, 280U, 5000U}) {
    for (const unsigned k : {0U, 1U, n / 20, n / 2, n}) {
      for (const double alpha : {0.05, 1e-6}) {
        const auto ours = clopper_pearson(k, n, alpha);
        const double low = binomial_distribution<>::find_lower_bound_on_p(n, k, alpha / 2);
        const double high = binomial_distribution<>::find_upper_bound_on_p(n, k, alpha / 2);
        expect_close(ours.low, low, 1e-8, "low");
        expect_close(ours.high, high, 1e-8, "high");
      }
    }
  }
}

TEST(Binomial, tails_are_complements) {
  for (std::uint64_t k = 1; k <= 40; ++k) {
    EXPECT_NEAR(binomial_at_least(k, 40, 0.3) + binomial_at_most(k - 1, 40, 0.3), 1.0, 1e-12) << k;
  }
  EXPECT_EQ(binomial_at_least(41, 40, 0.3), 0.0);
  EXPECT_EQ(binomial_at_least(0, 40, 0.3), 1.0);
}

TEST(Binomial, nothing_tried_says_nothing) {
  const auto interval = clopper_pearson(0, 0, 0.05);
  EXPECT_EQ(interval.low, 0.0);
  EXPECT_EQ(interval.high, 1.0);
}

TEST(SampleSize, five_per_cent_missed_once_in_a_million_needs_270_flows) {
  EXPECT_EQ(sample_size(0.05, 1e-6), 270U);
  EXPECT_LT(std::pow(0.95, 270), 1e-6);
  EXPECT_GT(std::pow(0.95, 269), 1e-6);
}

TEST(SampleSize, no_loss_in_that_many_bounds_the_rate_by_the_same_figure) {
  EXPECT_LT(upper_bound(0, sample_size(0.05, 1e-6), 1e-6), 0.05);
  EXPECT_GT(upper_bound(0, sample_size(0.05, 1e-6) - 1, 1e-6), 0.05);
}

}  // namespace
}  // namespace conntruth::stats
