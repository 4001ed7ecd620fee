// Every planted fault turns exactly its cells red, for its reason; the lab is green again when all are healed.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <set>

#include "lab/faults/faults.hpp"
#include "tests/faults/trial.hpp"

namespace conntruth::faults {
namespace {

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

class PlantedFaults : public ::testing::TestWithParam<Trial> {
 protected:
  static void SetUpTestSuite() {
    if (geteuid() != 0) return;
    auto lab = FaultLab::up("");
    ASSERT_TRUE(lab) << lab.error().message;
    court_ = std::make_unique<Court>(std::move(*lab));
  }
  static void TearDownTestSuite() {
    if (court_ == nullptr) return;
    court_->check_healed();
    court_->print();
    court_.reset();
  }
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "making network namespaces needs root";
  }

  static std::unique_ptr<Court> court_;
};

std::unique_ptr<Court> PlantedFaults::court_;

TEST_P(PlantedFaults, turns_exactly_its_cells_red) { court_->hold(GetParam()); }

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
