#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "controller/report/glyphs.hpp"
#include "controller/report/table.hpp"
#include "tests/unit/controller/report/sample_run.hpp"

namespace conntruth::report {
namespace {

using testing::Bench;
using testing::report_of;
using testing::sample_run;

std::string tables(const Report& report, const TableOptions& options) {
  std::ostringstream out;
  print_tables(out, report, options);
  print_summary(out, report, options);
  return out.str();
}

// One probe of a random kind; most are what the cell expects, so that passing cells occur too.
void random_sample(Bench& bench, std::mt19937& random, std::uint32_t task, std::uint32_t sequence, int usual) {
  switch (random() % 8 == 0 ? static_cast<int>(random() % 6) : usual) {
    case 0:
      return bench.replied(task, sequence, 2, testing::pod_ip(1));
    case 1:
      return bench.replied(task, sequence, 3, testing::node_ip(1));
    case 2:
      return bench.refused(task, sequence, testing::node_ip(2));
    case 3:
      bench.timed_out(task, sequence);
      return random() % 2 == 0 ? bench.sight(task, sequence, 2) : void();
    case 4:
      return bench.tool_error(task, sequence, "no buffer space");
    default:
      return;  // missing
  }
}

// Random expectations against random samples.
Bench random_run(unsigned seed) {
  std::mt19937 random(seed);
  Bench bench;
  const auto good = bench.control(true);
  const auto bad = bench.control(false, 5, random() % 4 == 0 ? 1 : 0);
  for (int i = 0; i < 40; ++i) {
    testing::CellSpec spec;
    spec.column = "web-" + std::to_string(i);
    spec.scenario = "scenario-" + std::to_string(i % 3);
    spec.outcomes = {random() % 2 == 0, random() % 2 == 0, random() % 2 == 0};
    spec.endpoints = random() % 2 == 0 ? std::vector<int>{2} : std::vector<int>{2, 3};
    spec.spread = static_cast<Spread>(random() % 3);
    spec.source = random() % 2 == 0 ? SourceRule::kAny : SourceRule::kClient;
    spec.scored = random() % 6 != 0;
    spec.count = 1 + random() % 4;
    if (random() % 3 == 0) spec.controls = {good, bad};
    const int usual = static_cast<int>(random() % 4);
    const auto task = bench.cell(spec);
    for (std::uint32_t n = 0; n < spec.count; ++n) random_sample(bench, random, task, n, usual);
  }
  return bench;
}

TEST(ReportProperty, comparison_is_expected_against_observed) {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const auto report = report_of(random_run(seed));
    for (const auto& cell : report.cells) {
      const bool fits = glyph_fits(cell.expectation.outcomes, cell.observed_glyph);
      if (cell.comparison_glyph == '.') {
        EXPECT_TRUE(fits) << cell.id << " " << cell.observed_glyph;
        ++passed;
      } else if (cell.comparison_glyph == 'X') {
        EXPECT_FALSE(fits) << cell.id << " " << cell.observed_glyph << " " << cell.verdict.reason().text;
        ++failed;
      }
    }
  }
  EXPECT_GT(passed, 300U);  // the property was not vacuous
  EXPECT_GT(failed, 300U);
}

TEST(ReportProperty, summary_adds_up_to_the_cells) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    const auto report = report_of(random_run(seed));
    EXPECT_EQ(report.summary.total(), report.cells.size());
    const auto reds = std::count_if(report.cells.begin(), report.cells.end(),
                                    [](const auto& cell) { return cell.comparison_glyph == 'X'; });
    EXPECT_EQ(report.summary.fail, static_cast<std::uint64_t>(reds));
  }
}

TEST(ReportProperty, the_order_of_arrival_changes_no_byte) {
  auto bench = sample_run();
  const auto expected = to_json(report_of(bench));
  std::mt19937 random(1);
  for (int round = 0; round < 5; ++round) {
    std::shuffle(bench.samples.begin(), bench.samples.end(), random);
    std::shuffle(bench.sights.begin(), bench.sights.end(), random);
    ASSERT_EQ(to_json(report_of(bench)), expected);
  }
}

TEST(Report, cells_are_sorted_by_id_and_tables_keep_the_plans_order) {
  const auto report = report_of(sample_run());
  EXPECT_TRUE(std::is_sorted(report.cells.begin(), report.cells.end(),
                             [](const auto& a, const auto& b) { return a.id < b.id; }));
  ASSERT_EQ(report.table_order.size(), report.cells.size());
  EXPECT_EQ(report.cells[report.table_order[0]].scenario, "cluster-ip");
  EXPECT_EQ(report.cells[report.table_order[3]].scenario, "faults");
}

TEST(Report, yaml_says_what_json_says) {
  const auto report = report_of(sample_run());
  const auto yaml = YAML::Load(to_yaml(report));
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(yaml["apiVersion"].as<std::string>(), "conntruth.dev/v1");
  ASSERT_EQ(yaml["cells"].size(), json["cells"].size());
  for (std::size_t i = 0; i < json["cells"].size(); ++i) {
    EXPECT_EQ(yaml["cells"][i]["reason"]["text"].as<std::string>(), json["cells"][i]["reason"]["text"]);
    EXPECT_EQ(yaml["cells"][i]["samples"].as<std::uint64_t>(), json["cells"][i]["samples"]);
    EXPECT_EQ(yaml["cells"][i]["expected"].IsNull(), json["cells"][i]["expected"].is_null());
  }
  EXPECT_FALSE(yaml["run"]["complete"].as<bool>());
}

TEST(Report, a_text_that_is_not_utf8_does_not_break_the_document) {
  Bench bench;
  bench.tool_error(bench.cell({.count = 1}), 0, "bad \xff byte");
  EXPECT_TRUE(nlohmann::json::accept(to_json(report_of(bench))));
}

TEST(Report, exit_codes_say_pass_tool_error_fail_and_nothing_run) {
  Bench bench;
  EXPECT_EQ(report_of(bench).exit_code(), 3);
  const auto task = bench.cell({.count = 1});
  bench.replied(task, 0, 2, testing::pod_ip(1));
  EXPECT_EQ(report_of(bench).exit_code(), 0);
  bench.cell({.column = "api", .count = 1});
  EXPECT_EQ(report_of(bench).exit_code(), 1);
  bench.timed_out(bench.cell({.column = "db", .count = 1}), 0);
  EXPECT_EQ(report_of(bench).exit_code(), 2);
}

TEST(Report, a_run_that_ended_early_is_not_a_pass) {
  Bench bench;
  bench.replied(bench.cell({.count = 1}), 0, 2, testing::pod_ip(1));
  bench.facts.ended_early = "interrupted";
  EXPECT_EQ(report_of(bench).exit_code(), 1);
}

TEST(Explain, an_unknown_cell_is_answered_with_similar_ones) {
  const auto report = report_of(sample_run());
  const auto page = explain(report, "node-2-pod-0>web/");
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code, ErrorCode::kNotFound);
  EXPECT_NE(page.error().message.find("did you mean change/ready/node-2-pod-0>web/tcp/ipv4 or "), std::string::npos);
  EXPECT_NE(explain(report, "zzz").error().message.find("`conntruth matrix -o json` lists all ids"), std::string::npos);
}

TEST(Table, colour_is_never_the_only_sign) {
  const auto report = report_of(sample_run());
  const auto plain = tables(report, {.mode = TableMode::kWide, .colour = false});
  auto coloured = tables(report, {.mode = TableMode::kWide, .colour = true});
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
  EXPECT_NE(coloured.find('\x1b'), std::string::npos);
  while (true) {
    const auto start = coloured.find('\x1b');
    if (start == std::string::npos) break;
    coloured.erase(start, coloured.find('m', start) - start + 1);
  }
  EXPECT_EQ(coloured, plain);
}

TEST(Table, colour_needs_a_terminal_and_no_NO_COLOR) {
  EXPECT_TRUE(wants_colour(true, nullptr));
  EXPECT_TRUE(wants_colour(true, ""));
  EXPECT_FALSE(wants_colour(true, "1"));
  EXPECT_FALSE(wants_colour(false, nullptr));
}

TEST(Table, a_large_table_shows_its_red_rows_and_columns_and_says_so) {
  Bench bench;
  for (int i = 0; i < 30; ++i) {
    const auto task = bench.cell({.column = "web-" + std::to_string(i), .count = 1});
    if (i == 17) {
      bench.timed_out(task, 0);
    } else {
      bench.replied(task, 0, 2, testing::pod_ip(1));
    }
  }
  const auto text = tables(report_of(bench), {});
  EXPECT_NE(text.find("   1 = web-17\n  (0 rows and 29 columns more are not shown"), std::string::npos) << text;
  EXPECT_EQ(text.find("= web-16"), std::string::npos);
}

TEST(Table, many_red_cells_are_counted_where_they_are_not_listed) {
  Bench bench;
  for (int i = 0; i < 30; ++i) bench.timed_out(bench.cell({.column = "web-" + std::to_string(i), .count = 1}), 0);
  EXPECT_NE(tables(report_of(bench), {}).find("... and 10 red cells more"), std::string::npos);
  EXPECT_EQ(tables(report_of(bench), {.mode = TableMode::kWide}).find("red cells more"), std::string::npos);
}

TEST(Table, a_green_run_is_a_line_per_scenario_and_a_summary) {
  Bench bench;
  bench.replied(bench.cell({.count = 1}), 0, 2, testing::pod_ip(1));
  EXPECT_EQ(tables(report_of(bench), {}), "cluster-ip      1 cells  ok\nPASS: 1 cells: 1 pass\n");
}

TEST(Table, nothing_run_says_so) { EXPECT_EQ(tables(report_of(Bench()), {}), "NOTHING RUN: 0 cells: none\n"); }

}  // namespace
}  // namespace conntruth::report
