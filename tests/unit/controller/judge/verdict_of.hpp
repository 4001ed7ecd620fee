#pragma once
// The verdict of the first cell of a constructed run.

#include <gtest/gtest.h>

#include "tests/support/judging.hpp"

namespace conntruth::judge {

inline CellVerdict verdict_of(const testing::Bench& bench) { return bench.judged().stages.at(0).at(0); }

inline void expect(const testing::Bench& bench, Verdict verdict, ReasonCode code, std::string_view text) {
  const auto found = verdict_of(bench);
  EXPECT_EQ(to_string(found.verdict), to_string(verdict));
  EXPECT_EQ(to_string(found.reason().code), to_string(code));
  EXPECT_EQ(found.reason().text, text);
}

inline constexpr OutcomeSet kRefuse{false, true, false};
inline constexpr OutcomeSet kDrop{false, false, true};

}  // namespace conntruth::judge
