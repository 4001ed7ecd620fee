#pragma once
// One lab for a test suite and the program driven as a user drives it: by its command line.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "lab/lab.hpp"
#include "tests/support/process.hpp"

namespace conntruth {

class RunTest : public ::testing::Test {
 protected:
  // A name of its own per process, so that lanes may run side by side.
  static std::string lab_name() { return "t-run-" + std::to_string(getpid()); }
  static std::string state_directory() { return "/tmp/conntruth-test-" + std::to_string(getpid()); }

  static void SetUpTestSuite() {
    lab::LabSpec spec;
    spec.name = lab_name();
    const auto lab = lab::Lab::up(spec);
    ASSERT_TRUE(lab) << lab.error().message;
  }
  static void TearDownTestSuite() {
    EXPECT_TRUE(lab::Lab::down(lab_name()));
    std::filesystem::remove_all(state_directory());
  }

  static std::vector<std::string> environment() { return {"CONNTRUTH_STATE_DIR=" + state_directory()}; }
  static std::vector<std::string> command(const std::vector<std::string>& words) {
    std::vector<std::string> argv = {std::string(CONNTRUTH_BIN_DIR) + "/conntruth"};
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
  }
  static support::Finished conntruth(const std::vector<std::string>& words) {
    return support::run_process(command(words), environment());
  }
  static support::Finished run(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"run", "--lab", lab_name()};
    words.insert(words.end(), more.begin(), more.end());
    return conntruth(words);
  }
  // Host pids of agents of this test's lab.
  static std::vector<pid_t> agents(const std::string& node = "") {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const auto words = command_line(entry.path());
      const bool ours = words.find("conntruth-agent") != std::string::npos &&
                        words.find("/labs/" + lab_name() + "/") != std::string::npos;
      const bool wanted = node.empty() || words.find("--node " + node + " ") != std::string::npos;
      if (ours && wanted) found.push_back(std::stoi(entry.path().filename()));
    }
    return found;
  }

 private:
  static std::string command_line(const std::filesystem::path& process);
};

}  // namespace conntruth
