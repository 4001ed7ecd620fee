#include "common/stats/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace conntruth::stats {
namespace {

TEST(Histogram, buckets_follow_each_other_without_gap_or_overlap) {
  for (std::size_t bucket = 0; bucket < 900; ++bucket) {
    const auto low = bucket_low(bucket);
    const auto next = bucket_low(bucket + 1);
    EXPECT_EQ(bucket_of(low), bucket);
    EXPECT_EQ(bucket_of(next - 1), bucket);
    EXPECT_LE(next - low, std::max<std::uint64_t>(1, low / 16));
    EXPECT_EQ(bucket_of(bucket_middle(bucket)), bucket);
  }
}

TEST(Histogram, holds_the_largest_value) {
  Histogram histogram;
  histogram.add(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(histogram.max(), static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.5)) / 9.223372036854775e18, 1.0, 0.04);
}

TEST(Histogram, quantiles_are_within_three_per_cent_of_the_exact_ones) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> times(11.0, 1.0);
  std::vector<std::int64_t> values(20000);
  std::generate(values.begin(), values.end(), [&] { return static_cast<std::int64_t>(times(random)); });
  Histogram histogram;
  for (const auto value : values) histogram.add(value);
  std::sort(values.begin(), values.end());
  for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(std::ceil(q * 20000.0)) - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(q)) / exact, 1.0, 0.032) << q;
  }
  EXPECT_EQ(histogram.max(), static_cast<std::uint64_t>(values.back()));
}

TEST(Histogram, merging_is_adding_in_any_order) {
  std::mt19937_64 random(11);
  std::uniform_int_distribution<std::int64_t> any(-5, 1'000'000'000);
  std::vector<Histogram> parts(3);
  Histogram whole;
  for (int i = 0; i < 3000; ++i) {
    const auto value = any(random);
    parts[static_cast<std::size_t>(i) % 3].add(value);
    whole.add(value);
  }
  Histogram left = parts[0];
  left.merge(parts[1]);
  left.merge(parts[2]);
  Histogram right = parts[2];
  right.merge(parts[1]);
  right.merge(parts[0]);
  EXPECT_EQ(left, whole);
  EXPECT_EQ(right, whole);
}

TEST(Histogram, empty_one_has_no_quantile) {
  EXPECT_EQ(Histogram().quantile(0.5), 0U);
  EXPECT_EQ(Histogram().count(), 0U);
}

}  // namespace
}  // namespace conntruth::stats
