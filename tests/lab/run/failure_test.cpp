// What happens to a run when the ground under it gives way.

#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/lab/run/run_fixture.hpp"

namespace conntruth {
namespace {

using Json = nlohmann::json;

class FailingRunTest : public RunTest {};

// Of how many cells the run asked why, by its own words.
int asked(const std::string& progress) {
  constexpr std::string_view kWords = "asking why of ";
  int cells = 0;
  for (auto at = progress.find(kWords); at != std::string::npos; at = progress.find(kWords, at + 1)) {
    cells += std::stoi(progress.substr(at + kWords.size()));
  }
  return cells;
}

TEST_F(FailingRunTest, a_full_disk_ends_the_run_with_a_remedy_and_keeps_what_was_stored) {
  const auto directory = state_directory() + "-small";
  std::filesystem::create_directories(directory);
  // A mount namespace of its own: the small file system is gone with the command.
  const std::string script = "mount -t tmpfs -o size=700k none " + directory + " && CONNTRUTH_STATE_DIR=" + directory +
                             " " + CONNTRUTH_BIN_DIR + "/conntruth run --lab " + lab_name() + "; code=$?; " +
                             "CONNTRUTH_STATE_DIR=" + directory + " " + CONNTRUTH_BIN_DIR +
                             "/conntruth list runs; exit $code";
  const auto finished = support::run_process({"unshare", "--mount", "sh", "-c", script});
  std::filesystem::remove_all(directory);
  EXPECT_EQ(finished.status, 1) << finished.err << finished.out;
  EXPECT_NE(finished.err.find("pace"), std::string::npos) << finished.err;  // "No space left ...", "free space ..."
  EXPECT_NE(finished.out.find("partial"), std::string::npos) << finished.out;
  EXPECT_TRUE(agents().empty());
}

TEST_F(FailingRunTest, a_node_that_dies_in_the_middle_leaves_a_partial_run_with_the_other_nodes_cells) {
  support::Process process(command({"run", "--lab", lab_name(), "-o", "json"}), environment());
  ASSERT_TRUE(process.wait_for_error_text("stage 1", std::chrono::seconds(30))) << process.err();
  const auto lab = lab::Lab::open(lab_name());
  ASSERT_TRUE(lab);
  const auto processes = lab->processes();
  ASSERT_TRUE(processes);
  for (const auto& node : *processes) {
    if (node.node == "node-3") kill(node.init, SIGKILL);
  }
  const int status = process.wait(std::chrono::seconds(110));
  EXPECT_TRUE(status == 1 || status == 2) << status << process.err();
  EXPECT_NE(process.err().find("node-3"), std::string::npos) << process.err();
  const auto report = Json::parse(process.out());
  EXPECT_FALSE(report.at("run").at("complete").get<bool>());
  EXPECT_EQ(report.at("summary").at("fail"), 0) << "the dataplane is not to blame";
  EXPECT_LT(asked(process.err()), 100) << "what needs the lost node is known to: " << process.err();
  EXPECT_GT(report.at("summary").at("pass"), 0);
  EXPECT_GT(report.at("summary").at("error"), 0);
  EXPECT_GT(report.at("summary").at("notRun"), 0) << "later stages leave out what depends on the lost node";
  EXPECT_TRUE(agents().empty());
}

TEST_F(FailingRunTest, without_root_the_message_says_so) {
  const auto finished = support::run_process(
      {"setpriv", "--reuid", "65534", "--clear-groups", std::string(CONNTRUTH_BIN_DIR) + "/conntruth", "run"},
      {"CONNTRUTH_STATE_DIR=/tmp"});
  EXPECT_EQ(finished.status, 1);
  EXPECT_NE(finished.err.find("root"), std::string::npos) << finished.err;
}

}  // namespace
}  // namespace conntruth
