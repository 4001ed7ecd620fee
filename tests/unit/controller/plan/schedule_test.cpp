#include "controller/plan/schedule.hpp"

#include <gtest/gtest.h>

namespace conntruth::plan {
namespace {

using Stages = std::vector<std::size_t>;
using std::chrono::milliseconds;

constexpr StepLoad kHeavy{100'000, milliseconds(0)};
constexpr StepLoad kLight{10, milliseconds(0)};

TEST(Schedule, scenarios_of_one_length_all_begin_at_once) {
  EXPECT_EQ(first_stages({{kHeavy, kLight}, {kLight, kHeavy}}), (Stages{0, 0}));
}

TEST(Schedule, short_scenarios_go_where_the_long_ones_leave_room) {
  EXPECT_EQ(first_stages({{kLight}, {kHeavy, kLight, kHeavy}}), (Stages{1, 0}));
  EXPECT_EQ(first_stages({{kHeavy}, {kHeavy}, {kLight, kLight}}), (Stages{0, 1, 0}));
}

TEST(Schedule, probes_run_while_paced_tasks_wait) {
  const StepLoad waits{10, milliseconds(10'000)};
  EXPECT_EQ(first_stages({{kHeavy}, {kLight, waits}}), (Stages{1, 0}));
}

TEST(Schedule, several_steps_stay_within_the_run) {
  EXPECT_EQ(first_stages({{kHeavy, kLight, kLight}, {kHeavy, kHeavy}}), (Stages{0, 1}));
  EXPECT_TRUE(first_stages({}).empty());
}

}  // namespace
}  // namespace conntruth::plan
