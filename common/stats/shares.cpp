#include "common/stats/shares.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/stats/binomial.hpp"
#include "common/stats/special.hpp"

namespace conntruth::stats {

namespace {

double pearson(std::span<const std::uint64_t> counts, double expected) {
  return std::accumulate(counts.begin(), counts.end(), 0.0, [expected](double sum, std::uint64_t count) {
    const double difference = static_cast<double>(count) - expected;
    return sum + difference * difference / expected;
  });
}

double smallest_tail(std::span<const std::uint64_t> counts, std::uint64_t flows, double share) {
  const auto [low, high] = std::minmax_element(counts.begin(), counts.end());
  return std::min(binomial_at_most(*low, flows, share), binomial_at_least(*high, flows, share));
}

}  // namespace

double chi_square_tail(double statistic, double degrees) { return gamma_q(degrees / 2.0, statistic / 2.0); }

ShareTest test_even_shares(std::span<const std::uint64_t> counts, double alpha) {
  ShareTest test;
  const auto flows = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  if (counts.size() < 2 || flows == 0) return test;
  const auto endpoints = static_cast<double>(counts.size());
  const double expected = static_cast<double>(flows) / endpoints;
  if (expected >= kChiSquareFloor) {
    test.statistic = pearson(counts, expected);
    test.chi_square_p = chi_square_tail(test.statistic, endpoints - 1.0);
  }
  test.exact_p = std::min(1.0, 2.0 * endpoints * smallest_tail(counts, flows, 1.0 / endpoints));
  test.conclusive = flows >= flows_for_shares(counts.size(), alpha);
  return test;
}

// An endpoint that never answers has the tail (1 - 1/k)^n, and 2k times that must be under alpha.
std::uint64_t flows_for_shares(std::uint64_t endpoints, double alpha) {
  if (endpoints < 2) return 0;
  const auto k = static_cast<double>(endpoints);
  return static_cast<std::uint64_t>(std::ceil(std::log(alpha / (2.0 * k)) / std::log1p(-1.0 / k)));
}

}  // namespace conntruth::stats
