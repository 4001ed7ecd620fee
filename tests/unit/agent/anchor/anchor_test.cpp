// conntruth-anchor as a process: what it refuses, and that it ends in order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <csignal>
#include <fstream>

#include "tests/support/process.hpp"

namespace conntruth {
namespace {

using std::chrono::seconds;
using support::Process;
using support::run_process;
using testing::HasSubstr;

constexpr auto kProgram = CONNTRUTH_BIN_DIR "/conntruth-anchor";

TEST(Anchor, ends_in_order_on_either_signal) {
  for (const int number : {SIGTERM, SIGINT}) {
    Process anchor({kProgram, "0"});
    // It is in the call that waits for signals, not on its way there.
    const auto waiting = std::to_string(SYS_rt_sigtimedwait) + " ";
    for (std::string call; !call.starts_with(waiting);) {
      ASSERT_EQ(kill(anchor.pid(), 0), 0);
      std::ifstream file("/proc/" + std::to_string(anchor.pid()) + "/syscall");
      std::getline(file, call);
    }
    anchor.signal(number);
    EXPECT_EQ(anchor.wait(seconds(60)), 0);
    EXPECT_EQ(anchor.out() + anchor.err(), "");
  }
}

TEST(Anchor, a_workload_that_lingers_ends_no_sooner) {
  Process anchor({kProgram, "workload", "--linger", "1"});
  const auto waiting = std::to_string(SYS_rt_sigtimedwait) + " ";
  for (std::string call; !call.starts_with(waiting);) {
    ASSERT_EQ(kill(anchor.pid(), 0), 0);
    std::ifstream file("/proc/" + std::to_string(anchor.pid()) + "/syscall");
    std::getline(file, call);
  }
  const auto told = std::chrono::steady_clock::now();
  anchor.signal(SIGTERM);
  EXPECT_EQ(anchor.wait(seconds(60)), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - told, seconds(1));
}

TEST(Anchor, wants_one_ordinal) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{},
                                                                     {"x"},
                                                                     {"1x"},
                                                                     {"-1"},
                                                                     {"100"},
                                                                     {"0", "1"},
                                                                     {"workload", "--linger"},
                                                                     {"workload", "--linger", "x"},
                                                                     {"workload", "--linger", "3601"},
                                                                     {"0", "--lingers", "1"},
                                                                     {"workloads"}}) {
    std::vector<std::string> line = {kProgram};
    line.insert(line.end(), arguments.begin(), arguments.end());
    const auto ended = run_process(line);
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.err, HasSubstr("one argument is wanted"));
  }
}

TEST(Anchor, explains_itself) {
  const auto ended = run_process({kProgram, "--help"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(ended.out, HasSubstr("Usage: conntruth-anchor ORDINAL|workload"));
}

}  // namespace
}  // namespace conntruth
