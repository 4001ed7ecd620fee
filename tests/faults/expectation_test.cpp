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
  return {{{"s/n1>a", "pass", "as-expected", "", "", ""},
           {"s/n2>a", "fail", "lost", "", "", ""},
           {"s/n2>b", "recorded", "not-scored", "", "", ""},
           {"s/n3>a", "invalid", "control-failed", "", "", ""}},
          "the red cells are those with client on n2"};
}

std::vector<Difference> differences(const Report& report) {
  return compare(read_expectation("x", kExpect).value(), report, "n2", {"n2", "n3"});
}

TEST(FaultExpectation, the_very_cells_and_reasons_are_right) { EXPECT_TRUE(differences(good()).empty()); }

TEST(FaultExpectation, a_green_cell_that_should_be_red_is_a_miss) {
  auto report = good();
  report.cells[1] = {"s/n2>a", "pass", "as-expected", "", "", ""};
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

TEST(FaultExpectation, a_cause_that_was_not_planted_is_wrong_and_none_is_none) {
  auto expected = read_expectation("x", std::string(kExpect) + "cause: [dropped-by-rule, untracked]\n").value();
  auto report = good();
  const auto found = [&] { return compare(expected, report, "n2", {"n2", "n3"}).size(); };
  EXPECT_EQ(found(), 0U);
  EXPECT_EQ(count_causes(expected, report, "n2").explained, 0U);
  report.cells[1].cause = "untracked";
  report.cells[1].cause_node = "n2";
  EXPECT_EQ(found(), 0U);
  EXPECT_EQ(count_causes(expected, report, "n2").explained, 1U);
  report.cells[1].cause_node = "n3";
  EXPECT_EQ(found(), 1U);
  EXPECT_EQ(count_causes(expected, report, "n2").wrong, 1U);
  report.cells[1].cause = "unexplained";
  EXPECT_EQ(found(), 0U);
}

TEST(FaultExpectation, a_planted_cause_has_to_name_the_rule) {
  auto expected =
      read_expectation("x", std::string(kExpect) + "cause: untracked\nrule: [notrack (table inet planted_$NODE, raw]\n")
          .value();
  auto report = good();
  report.cells[1].cause = "untracked";
  report.cells[1].cause_node = "n2";
  const auto found = [&] { return compare(expected, report, "n2", {"n2", "n3"}).size(); };
  EXPECT_EQ(found(), 1U);
  EXPECT_EQ(count_causes(expected, report, "n2").named, 0U);
  report.cells[1].cause_rule = "tcp dport 80 notrack (table inet planted_n2, chain c, handle 4)";
  EXPECT_EQ(found(), 0U);
  EXPECT_EQ(count_causes(expected, report, "n2").named, 1U);
  report.cells[1].cause_rule = "drop (table inet other, chain c, handle 4)";
  EXPECT_EQ(found(), 1U);
}

TEST(FaultExpectation, a_cause_that_names_a_rule_of_another_table_is_wrong_and_one_without_a_rule_is_not) {
  auto expected = read_expectation("x", std::string(kExpect) + "cause: untracked\n").value();
  auto report = good();
  report.cells[1].cause = "untracked";
  report.cells[1].cause_node = "n2";
  const auto wrong = [&](const std::string& rule) {
    report.cells[1].cause_rule = rule;
    return count_causes(expected, report, "n2").wrong;
  };
  EXPECT_EQ(wrong(""), 0U);
  EXPECT_EQ(wrong("notrack (table inet planted_x, chain c, handle 4)"), 0U);
  EXPECT_EQ(wrong("notrack (table inet planted_xy, chain c, handle 4)"), 1U);
  EXPECT_EQ(wrong("notrack (table ip conntruth, chain c, handle 4)"), 1U);
  expected.rules = {"table ip conntruth,"};
  EXPECT_EQ(wrong("notrack (table ip conntruth, chain c, handle 4)"), 0U);
}

TEST(FaultExpectation, a_cause_of_other_cells_has_to_name_the_planted_rule) {
  auto expected =
      read_expectation("x", std::string(kExpect) + "cause: untracked\nelsewhere: dropped-by-rule\n").value();
  auto report = good();
  report.cells[1].cause = "dropped-by-rule";
  report.cells[1].cause_node = "n2";
  EXPECT_EQ(count_causes(expected, report, "n2").wrong, 1U);
  report.cells[1].cause_rule = "drop (table inet planted_x, chain forward, handle 1)";
  EXPECT_EQ(count_causes(expected, report, "n2").wrong, 0U);
  EXPECT_EQ(count_causes(expected, report, "n3").wrong, 1U);
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
  EXPECT_FALSE(read_expectation("x", "select: [a]"));
  EXPECT_FALSE(read_expectation("x", "red: {a: lost}"));
  EXPECT_FALSE(read_expectation("x", "{select: [a], red: {a: lost}, colour: red}"));
  EXPECT_FALSE(read_report("{}"));
}

}  // namespace
}  // namespace conntruth::faults
