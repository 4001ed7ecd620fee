#include "tests/faults/trial.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/faults/faults.hpp"

namespace conntruth::faults {

std::string name_of(const ::testing::TestParamInfo<Trial>& info) {
  auto name = info.param.fault + "_on_" + info.param.node;
  std::ranges::replace(name, '-', '_');
  return name;
}

void Court::hold(const Trial& trial) {
  const auto fault = lab::read_fault_file(fmt::format("{}/{}.yaml", lab::fault_directory(), trial.fault));
  ASSERT_TRUE(fault) << fault.error().message;
  const auto expectation = read_expectation(fault->id, fault->expect);
  ASSERT_TRUE(expectation) << expectation.error().message;
  selected_.insert(expectation->select.begin(), expectation->select.end());
  ++planted_;

  const auto planted = lab_.plant(trial.fault, trial.node);
  ASSERT_TRUE(planted) << planted.error().message;
  const auto finished = lab_.run(expectation->select);
  const auto healed = lab_.heal(trial.fault, trial.node);
  ASSERT_TRUE(healed) << healed.error().message;

  const auto report = read_report(finished.out);
  ASSERT_TRUE(report) << report.error().message << finished.err;
  const auto differences = compare(*expectation, *report, trial.node, all_nodes());
  for (const auto& each : differences) ADD_FAILURE() << each.text;
  false_alarms_ += static_cast<unsigned>(std::ranges::count(differences, true, &Difference::false_alarm));
  if (differences.empty()) ++caught_;
  const auto causes = count_causes(*expectation, *report, trial.node);
  causes_.red += causes.red;
  causes_.explained += causes.explained;
  causes_.wrong += causes.wrong;
  causes_.named += causes.named;
}

void Court::check_healed() {
  const auto finished = lab_.run({selected_.begin(), selected_.end()});
  EXPECT_EQ(finished.status, 0) << finished.err;
  const auto report = read_report(finished.out);
  ASSERT_TRUE(report) << report.error().message << finished.err;
  for (const auto& cell : report->cells) {
    if (cell.verdict == "pass" || cell.verdict == "recorded") continue;
    ++false_alarms_;
    ADD_FAILURE() << "healed, yet " << cell.id << ": " << cell.verdict << " " << cell.reason << ": " << cell.text;
  }
}

void Court::print() const {
  fmt::print("faults caught {} of {}, false alarms {}\n", caught_, planted_, false_alarms_);
  fmt::print("causes given for {} of {} red cells, {} of them wrong; {} name a rule\n", causes_.explained, causes_.red,
             causes_.wrong, causes_.named);
}

}  // namespace conntruth::faults
