#pragma once
// Do flows spread evenly over endpoints? Two tests, because each is blind where the other sees:
//  - Pearson's chi-square over all endpoints, where the expected count per endpoint is at least kChiSquareFloor;
//  - the exact binomial tail of each endpoint's own count, times twice the number of endpoints (Bonferroni), at any
//  count.
// Threading: pure functions.

#include <cstdint>
#include <span>

namespace conntruth::stats {

// Chance that a chi-square variable with `degrees` degrees of freedom is at least `statistic`.
[[nodiscard]] double chi_square_tail(double statistic, double degrees);

inline constexpr double kChiSquareFloor = 20.0;

struct ShareTest {
  double statistic = 0.0;     // Pearson's, 0 where it was not used
  double chi_square_p = 1.0;  // 1 where the expected count is below the floor
  double exact_p = 1.0;       // the smallest corrected exact p of one endpoint; at most 1
  bool conclusive = false;    // an endpoint that never answers would have been red at `alpha`
};

// `counts` of equally likely endpoints (zeros included). One endpoint or no flows: nothing to judge, p = 1.
[[nodiscard]] ShareTest test_even_shares(std::span<const std::uint64_t> counts, double alpha);

// How many flows make test_even_shares conclusive over that many endpoints: 2 → 32 at 1e-9, 50 → 1254.
[[nodiscard]] std::uint64_t flows_for_shares(std::uint64_t endpoints, double alpha);

}  // namespace conntruth::stats
