#include "tests/faults/cause_tally.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conntruth::faults {
namespace {

using testing::HasSubstr;

Expectation expectation() {
  return read_expectation("x", "{select: [a], red: {a: lost}, cause: dropped-by-rule}").value();
}

JudgedCell red(const std::string& cause, const std::string& node) {
  return {"a", "fail", "lost", "", cause, node, cause.empty() ? "" : "drop (table inet planted_x, chain c)"};
}

TEST(CauseTally, counts_by_fault_and_by_code) {
  CauseTally tally;
  tally.take("x", expectation(), {{red("dropped-by-rule", "n2"), red("", "")}, ""}, "n2");
  EXPECT_EQ(tally.line(), "1 runs (1 with red cells, 0 broken), causes given for 1 of 2 red cells (50.0 %), wrong 0");
  EXPECT_THAT(tally.tables(), HasSubstr("| `x` | 1 | 1 | 2 | 1 | 50.0 % | 0 |\n"));
  EXPECT_THAT(tally.tables(), HasSubstr("| `dropped-by-rule` | 1 | 1 | 0 |\n| `none` | 1 | 0 | 0 |\n"));
  EXPECT_TRUE(tally.is_good());
}

TEST(CauseTally, a_wrong_cause_and_a_run_that_broke_are_not_good) {
  CauseTally wrong;
  wrong.take("x", expectation(), {{red("dropped-by-rule", "n3")}, ""}, "n2");
  EXPECT_FALSE(wrong.is_good());
  CauseTally broken;
  broken.take("x", expectation(), {{red("dropped-by-rule", "n2")}, ""}, "n2");
  EXPECT_TRUE(broken.is_good());
  broken.broken();
  EXPECT_FALSE(broken.is_good());
}

TEST(CauseTally, what_was_never_red_or_never_explained_shows_nothing) {
  CauseTally tally;
  EXPECT_FALSE(tally.is_good());
  tally.take("x", expectation(), {{red("unexplained", "n2")}, ""}, "n2");
  EXPECT_FALSE(tally.is_good());
}

}  // namespace
}  // namespace conntruth::faults
