// Outputs as files: a change of any output is a change of a golden file, and seen in its review.
// CONNTRUTH_UPDATE_GOLDEN=1 writes them anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "controller/report/table.hpp"
#include "tests/unit/controller/report/sample_run.hpp"

namespace conntruth::report {
namespace {

using testing::report_of;
using testing::sample_run;

void expect_golden(const std::string& name, const std::string& text) {
  const auto path = std::string(CONNTRUTH_SOURCE_DIR "/tests/unit/controller/report/golden/") + name;
  if (std::getenv("CONNTRUTH_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, golden) << "of " << path;
}

std::string tables(TableMode mode) {
  const auto report = report_of(sample_run());
  std::ostringstream out;
  print_tables(out, report, {.mode = mode});
  print_summary(out, report, {.mode = mode});
  return out.str();
}

TEST(Golden, compact_tables) { expect_golden("compact.txt", tables(TableMode::kCompact)); }
TEST(Golden, wide_tables) { expect_golden("wide.txt", tables(TableMode::kWide)); }
TEST(Golden, json) { expect_golden("report.json", to_json(report_of(sample_run()))); }
TEST(Golden, yaml) { expect_golden("report.yaml", to_yaml(report_of(sample_run()))); }

TEST(Golden, explained_cells) {
  const auto report = report_of(sample_run());
  std::string pages;
  for (const auto* id :
       {"cluster-ip/ready/node-1-pod-0>web/tcp/ipv4", "faults/ready/node-1-pod-0>node-2:30080/tcp/ipv4",
        "faults/ready/node-2-pod-0>node-1:30080/tcp/ipv4", "change/ready/node-2-pod-0>web/tcp/ipv4",
        "faults/ready/node-3-pod-0>node-1:30080/tcp/ipv4", "sctp/ready/node-1-pod-0>web/sctp/ipv4"}) {
    const auto page = explain(report, id);
    ASSERT_TRUE(page) << id;
    pages += *page + "\n";
  }
  expect_golden("explain.txt", pages);
}

}  // namespace
}  // namespace conntruth::report
