// Every planted fault turns exactly its cells red, for its reason; the lab is green again when all are healed.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>

#include "lab/faults/faults.hpp"
#include "tests/faults/expectation.hpp"
#include "tests/faults/fault_lab.hpp"

namespace conntruth::faults {
namespace {

struct Trial {
  std::string fault;
  std::string node;
};

std::vector<Trial> trials() {
  std::vector<Trial> all;
  const auto faults = lab::load_faults(lab::fault_directory());
  if (!faults) return {};  // a parametrized test without values is a failure
  for (const auto& fault : *faults) {
    const auto expectation = read_expectation(fault.id, fault.expect);
    const bool everywhere = expectation && expectation->everywhere;
    for (const auto& node : everywhere ? all_nodes() : std::vector{fault.default_node}) all.push_back({fault.id, node});
  }
  return all;
}

struct Tally {
  unsigned planted = 0;
  unsigned caught = 0;
  unsigned false_alarms = 0;
  CauseCount causes;
  std::set<std::string> selected;
};

class PlantedFaults : public ::testing::TestWithParam<Trial> {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() != 0) return;
    tally_ = std::make_unique<Tally>();
    auto lab = FaultLab::up("");
    ASSERT_TRUE(lab) << lab.error().message;
    lab_ = std::make_unique<FaultLab>(std::move(*lab));
  }
  static void TearDownTestSuite() {
    if (lab_ == nullptr) return;
    check_healed();
    fmt::print("faults caught {} of {}, false alarms {}\n", tally_->caught, tally_->planted, tally_->false_alarms);
    const auto& causes = tally_->causes;
    fmt::print("causes given for {} of {} red cells, {} of them wrong; {} name a rule\n", causes.explained, causes.red,
               causes.wrong, causes.named);
    tally_.reset();
    lab_.reset();
  }
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "making network namespaces needs root";
  }

  // Everything that any fault was judged by, once more: no heal left anything behind.
  static void check_healed() {
    const auto finished = lab_->run({tally_->selected.begin(), tally_->selected.end()});
    EXPECT_EQ(finished.status, 0) << finished.err;
    const auto report = read_report(finished.out);
    ASSERT_TRUE(report) << report.error().message << finished.err;
    for (const auto& cell : report->cells) {
      if (cell.verdict == "pass" || cell.verdict == "recorded") continue;
      ++tally_->false_alarms;
      ADD_FAILURE() << "healed, yet " << cell.id << ": " << cell.verdict << " " << cell.reason << ": " << cell.text;
    }
  }

  static std::unique_ptr<Tally> tally_;
  static std::unique_ptr<FaultLab> lab_;
};

std::unique_ptr<Tally> PlantedFaults::tally_;
std::unique_ptr<FaultLab> PlantedFaults::lab_;

TEST_P(PlantedFaults, turns_exactly_its_cells_red) {
  const auto& trial = GetParam();
  const auto fault = lab::read_fault_file(fmt::format("{}/{}.yaml", lab::fault_directory(), trial.fault));
  ASSERT_TRUE(fault) << fault.error().message;
  const auto expectation = read_expectation(fault->id, fault->expect);
  ASSERT_TRUE(expectation) << expectation.error().message;
  tally_->selected.insert(expectation->select.begin(), expectation->select.end());
  ++tally_->planted;

  const auto planted = lab_->plant(trial.fault, trial.node);
  ASSERT_TRUE(planted) << planted.error().message;
  const auto finished = lab_->run(expectation->select);
  const auto healed = lab_->heal(trial.fault, trial.node);
  ASSERT_TRUE(healed) << healed.error().message;

  const auto report = read_report(finished.out);
  ASSERT_TRUE(report) << report.error().message << finished.err;
  const auto differences = compare(*expectation, *report, trial.node, all_nodes());
  for (const auto& each : differences) ADD_FAILURE() << each.text;
  tally_->false_alarms += static_cast<unsigned>(std::ranges::count(differences, true, &Difference::false_alarm));
  if (differences.empty()) ++tally_->caught;
  const auto causes = count_causes(*expectation, *report, trial.node);
  tally_->causes.red += causes.red;
  tally_->causes.explained += causes.explained;
  tally_->causes.wrong += causes.wrong;
  tally_->causes.named += causes.named;
}

std::string name_of(const ::testing::TestParamInfo<Trial>& info) {
  auto name = info.param.fault + "_on_" + info.param.node;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Each, PlantedFaults, ::testing::ValuesIn(trials()), name_of);

TEST(FaultData, there_are_enough_faults_and_some_are_tried_on_every_node) {
  std::set<std::string> ids;
  std::multiset<std::string> tried;
  for (const auto& trial : trials()) {
    ids.insert(trial.fault);
    tried.insert(trial.fault);
  }
  EXPECT_GE(ids.size(), 28U);
  EXPECT_GE(std::ranges::count_if(ids, [&](const auto& id) { return tried.count(id) == all_nodes().size(); }), 3);
}

}  // namespace
}  // namespace conntruth::faults
