#include "tests/lab/proxy/netns.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace conntruth::lab_proxy::test {

Netns::Netns() : home_(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  if (unshare(CLONE_NEWNET) != 0) throw std::runtime_error("a network namespace cannot be made; these tests need root");
  fd_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (setns(home_, CLONE_NEWNET) != 0) throw std::runtime_error("no way back into the first network namespace");
}

Netns::~Netns() {
  close(fd_);
  close(home_);
}

void Netns::in(const std::function<void()>& work) const {
  ASSERT_EQ(setns(fd_, CLONE_NEWNET), 0);
  work();
  ASSERT_EQ(setns(home_, CLONE_NEWNET), 0);
}

std::string Netns::sh(const std::string& script) const {
  std::string printed;
  in([&] {
    FILE* output = popen(("exec 2>&1; set -e\n" + script).c_str(), "re");
    ASSERT_NE(output, nullptr);
    std::array<char, 4096> buffer{};
    while (const auto size = fread(buffer.data(), 1, buffer.size(), output)) printed.append(buffer.data(), size);
    EXPECT_EQ(pclose(output), 0) << script << "\n" << printed;
  });
  return printed;
}

std::string Netns::path() const { return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_); }

}  // namespace conntruth::lab_proxy::test
