// The comparison itself: one that cannot fail would pass every fault.

#include "tests/faults/expectation.hpp"

#include <gtest/gtest.h>

namespace conntruth::faults {
namespace {

constexpr const char* kExpect = R"(
select: [clusterip]
red:
  "s/$NODE>*": [silent, lost]
invalid:
  "s/$OTHER>*": control-failed
pattern: client on $NODE
)";

Report good() {
  return {{{"s/n1>a", "pass", "as-expected", ""},
           {"s/n2>a", "fail", "lost", ""},
           {"s/n2>b", "recorded", "not-scored", ""},
           {"s/n3>a", "invalid", "control-failed", ""}},
          "the red cells are those with client on n2"};
}

std::vector<Difference> differences(const Report& report) {
  return compare(read_expectation(kExpect).value(), report, "n2", {"n2", "n3"});
}

TEST(FaultExpectation, the_very_cells_and_reasons_are_right) { EXPECT_TRUE(differences(good()).empty()); }

TEST(FaultExpectation, a_green_cell_that_should_be_red_is_a_miss) {
  auto report = good();
  report.cells[1] = {"s/n2>a", "pass", "as-expected", ""};
  ASSERT_EQ(differences(report).size(), 1U);
  EXPECT_FALSE(differences(report).front().false_alarm);
}

TEST(FaultExpectation, a_red_cell_that_should_be_green_is_a_false_alarm) {
  for (const auto* verdict : {"fail", "invalid", "error", "notRun"}) {
    auto report = good();
    report.cells[0].verdict = verdict;
    ASSERT_EQ(differences(report).size(), 1U) << verdict;
    EXPECT_TRUE(differences(report).front().false_alarm) << verdict;
  }
}

TEST(FaultExpectation, another_reason_is_not_right) {
  auto report = good();
  report.cells[1].reason = "wrong-endpoint";
  EXPECT_EQ(differences(report).size(), 1U);
}

TEST(FaultExpectation, red_is_not_invalid) {
  auto report = good();
  report.cells[3].verdict = "fail";
  EXPECT_EQ(differences(report).size(), 1U);
}

TEST(FaultExpectation, a_glob_must_match_a_scored_cell) {
  auto report = good();
  report.cells.erase(report.cells.begin() + 1);
  ASSERT_EQ(differences(report).size(), 1U);
  EXPECT_NE(differences(report).front().text.find("$NODE"), std::string::npos);
}

TEST(FaultExpectation, the_pattern_is_part_of_it) {
  auto report = good();
  report.pattern = "scattered";
  EXPECT_EQ(differences(report).size(), 1U);
}

TEST(FaultExpectation, what_cannot_be_checked_is_refused) {
  EXPECT_FALSE(read_expectation("select: [a]"));
  EXPECT_FALSE(read_expectation("red: {a: lost}"));
  EXPECT_FALSE(read_expectation("{select: [a], red: {a: lost}, colour: red}"));
  EXPECT_FALSE(read_report("{}"));
}

}  // namespace
}  // namespace conntruth::faults
