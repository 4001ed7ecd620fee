// Pods found by their processes in /proc; here the process of this test's own network namespace.
#include "agent/cluster/anchors.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace conntruth::agent {
namespace {

// A process that calls itself `conntruth-anchor workload` a while after it has begun, as one of a container does.
class LateAnchor {
 public:
  explicit LateAnchor(int after_ms) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ + "/workload") << "read line\n";
    if (pipe(pipe_) != 0) return;
    pid_ = fork();
    if (pid_ != 0) return;
    dup2(pipe_[0], STDIN_FILENO);
    close(pipe_[1]);
    if (chdir(folder_.c_str()) != 0) _exit(1);
    poll(nullptr, 0, after_ms);
    execl("/bin/sh", "conntruth-anchor", "workload", nullptr);
    _exit(1);
  }
  ~LateAnchor() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    for (const int each : pipe_) close(each);
    std::filesystem::remove_all(folder_);
  }
  LateAnchor(const LateAnchor&) = delete;
  LateAnchor& operator=(const LateAnchor&) = delete;

 private:
  const std::string folder_ = testing::TempDir() + "/anchors-" + std::to_string(getpid());
  int pipe_[2] = {-1, -1};
  pid_t pid_ = -1;
};

TEST(Anchors, a_workload_whose_container_has_just_begun_is_waited_for) {
  const LateAnchor process(150);
  const auto found = find_workload_pod("late", {IpAddress::parse("127.0.0.1").value()});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->place, "late");
}

TEST(Anchors, a_workload_that_does_not_come_is_named) {
  const auto found = find_workload_pod("never", {IpAddress::parse("192.0.2.200").value()});
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("place never"), std::string::npos);
}

}  // namespace
}  // namespace conntruth::agent
