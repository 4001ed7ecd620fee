#include "lab/kubernetes/daemons.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "lab/files.hpp"

namespace conntruth::lab {
namespace {

class DaemonFiles : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ + "/run"); }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& name, const std::string& text) { ASSERT_TRUE(write_whole_file(root_ + name, text)); }
  std::string root_ = testing::TempDir() + "/conntruth-daemons-" + std::to_string(::getpid());
};

TEST_F(DaemonFiles, tell_apart_what_never_ran_what_runs_and_what_has_ended) {
  EXPECT_EQ(daemon_state(root_, "node-1", "proxy").inside, 0);
  write("/run/node-1-proxy.pid", "17\n");
  EXPECT_EQ(daemon_state(root_, "node-1", "proxy").inside, 17);
  EXPECT_FALSE(daemon_state(root_, "node-1", "proxy").exit_code);
  write("/run/node-1-proxy.exit", "137\n");
  EXPECT_EQ(daemon_state(root_, "node-1", "proxy").exit_code, 137);
}

TEST_F(DaemonFiles, the_end_of_a_log_is_its_last_three_lines_in_one) {
  EXPECT_EQ(log_end(root_ + "/none"), "it printed nothing");
  write("/log", "\n \n");
  EXPECT_EQ(log_end(root_ + "/log"), "it printed nothing");
  write("/log", "one\ntwo\n\n  three \nfour");
  EXPECT_EQ(log_end(root_ + "/log"), "the end of its log: two | three | four");
  write("/log", std::string(1000, 'x') + "\n");
  EXPECT_EQ(log_end(root_ + "/log"), "the end of its log: " + std::string(300, 'x'));
}

}  // namespace
}  // namespace conntruth::lab
