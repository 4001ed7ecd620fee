#include "common/stats/shares.hpp"

#include <gtest/gtest.h>

#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <random>
#include <vector>

namespace conntruth::stats {
namespace {

constexpr double kAlpha = 1e-9;

bool red(const std::vector<std::uint64_t>& counts) {
  const auto test = test_even_shares(counts, kAlpha);
  return test.chi_square_p < kAlpha || test.exact_p < kAlpha;
}

TEST(Shares, chi_square_tail_agrees_with_boost) {
  for (const double degrees : {1.0, 2.0, 9.0, 49.0}) {
    for (const double statistic : {0.1, 1.0, 10.0, 60.0, 200.0}) {
      const boost::math::chi_squared distribution(degrees);
      const double theirs = boost::math::cdf(boost::math::complement(distribution, statistic));
      EXPECT_NEAR(chi_square_tail(statistic, degrees) / theirs, 1.0, 1e-9) << degrees << " " << statistic;
    }
  }
}

TEST(Shares, ninety_to_ten_is_red) { EXPECT_TRUE(red({252, 28})); }

TEST(Shares, an_endpoint_without_flows_is_red) {
  EXPECT_TRUE(red({140, 140, 0}));
  EXPECT_TRUE(red({31, 31, 31, 31, 31, 31, 31, 31, 32, 0}));  // chi-square alone would let this one pass
}

TEST(Shares, one_endpoint_or_no_flow_is_nothing_to_judge) {
  EXPECT_EQ(test_even_shares(std::vector<std::uint64_t>{280}, kAlpha).exact_p, 1.0);
  EXPECT_EQ(test_even_shares(std::vector<std::uint64_t>{0, 0}, kAlpha).exact_p, 1.0);
  EXPECT_FALSE(test_even_shares(std::vector<std::uint64_t>{0, 0}, kAlpha).conclusive);
}

TEST(Shares, few_flows_are_judged_exactly_and_said_to_be_inconclusive) {
  const auto test = test_even_shares(std::vector<std::uint64_t>{10, 0}, kAlpha);
  EXPECT_EQ(test.chi_square_p, 1.0);
  EXPECT_NEAR(test.exact_p, 4.0 * std::pow(0.5, 10), 1e-12);
  EXPECT_FALSE(test.conclusive);
}

TEST(Shares, the_number_of_flows_is_the_smallest_that_shows_a_missing_endpoint) {
  for (const std::uint64_t endpoints : {2U, 3U, 10U, 50U}) {
    const auto flows = flows_for_shares(endpoints, kAlpha);
    const auto tail = [&](std::uint64_t n) {
      const auto k = static_cast<double>(endpoints);
      return 2 * k * std::pow(1.0 - 1.0 / k, static_cast<double>(n));
    };
    EXPECT_LE(tail(flows), kAlpha) << endpoints;
    EXPECT_GT(tail(flows - 1), kAlpha) << endpoints;
  }
  EXPECT_EQ(flows_for_shares(1, kAlpha), 0U);
}

TEST(Shares, fair_spreading_is_green) {
  std::mt19937_64 random(20240501);
  for (const std::size_t endpoints : {2U, 3U, 6U, 14U, 50U}) {
    std::uniform_int_distribution<std::size_t> pick(0, endpoints - 1);
    for (int run = 0; run < 300; ++run) {
      std::vector<std::uint64_t> counts(endpoints);
      for (int flow = 0; flow < 280; ++flow) ++counts[pick(random)];
      EXPECT_FALSE(red(counts));
    }
  }
}

}  // namespace
}  // namespace conntruth::stats
