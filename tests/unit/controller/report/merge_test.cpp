#include "controller/report/merge.hpp"

#include <gtest/gtest.h>

namespace conntruth::report {
namespace {

ReportCell cell(char glyph, judge::Verdict verdict = judge::Verdict::kPass) {
  ReportCell result;
  result.expected_glyph = result.observed_glyph = result.comparison_glyph = glyph;
  result.verdict.verdict = verdict;
  return result;
}

Grid grid(const std::string& title, const std::string& column, const ReportCell& only) {
  Grid result;
  result.scenario = "s";
  result.title = title;
  result.rows = {"node-1"};
  result.columns = {column};
  result.at = {&only};
  return result;
}

TEST(MergeAlike, shows_equal_green_matrices_of_a_step_once) {
  const auto green = cell('.');
  const auto merged =
      merge_alike({grid("s / one / web tcp ipv4", "web:tcp", green), grid("s / one / web udp ipv4", "web:udp", green),
                   grid("s / two / web tcp ipv4", "web:tcp", green)});
  ASSERT_EQ(merged.size(), 2U);
  EXPECT_EQ(merged[0].title, "s / one / web tcp ipv4; web udp ipv4");
  EXPECT_EQ(merged[0].columns, std::vector<std::string>{"web:tcp, web:udp"});
  EXPECT_EQ(merged[1].title, "s / two / web tcp ipv4");
}

TEST(MergeAlike, lets_red_and_different_matrices_stand_alone) {
  const auto green = cell('.');
  const auto refused = cell('r');
  const auto red = cell('X', judge::Verdict::kFail);
  EXPECT_EQ(merge_alike({grid("s / one / a", "c", green), grid("s / one / b", "c", refused)}).size(), 2U);
  EXPECT_EQ(merge_alike({grid("s / one / a", "c", red), grid("s / one / b", "c", red)}).size(), 2U);
}

}  // namespace
}  // namespace conntruth::report
