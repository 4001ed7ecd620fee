// A whole run against real proxies beside the reference proxy, as a user starts it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "lab/kubernetes/programs.hpp"
#include "lab/lab.hpp"
#include "tests/support/process.hpp"

namespace conntruth::lab::test {
namespace {

using Json = nlohmann::json;

class RealRun : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto programs = Programs::look("");
    ASSERT_TRUE(programs);
    for (const auto& found : {programs->find("kube-apiserver", "", ""), programs->find("kube-proxy", "", "")}) {
      if (!found) GTEST_SKIP() << found.error().message;
    }
    if (const auto etcd = programs->etcd(); !etcd) GTEST_SKIP() << etcd.error().message;
    LabSpec spec;
    spec.name = name_;
    spec.kubernetes = KubernetesSpec{};
    spec.node_proxies = {{"node-2", "kube-proxy:iptables"}, {"node-3", "kube-proxy:nftables"}};
    const auto lab = Lab::up(spec);
    ASSERT_TRUE(lab) << lab.error().message;
  }
  void TearDown() override {
    [[maybe_unused]] const auto removed = Lab::down(name_);
    std::filesystem::remove_all(state_);
  }
  [[nodiscard]] support::Finished conntruth(const std::vector<std::string>& words) const {
    std::vector<std::string> argv = {std::string(CONNTRUTH_BIN_DIR) + "/conntruth"};
    argv.insert(argv.end(), words.begin(), words.end());
    return support::run_process(argv, {"CONNTRUTH_STATE_DIR=" + state_});
  }
  [[nodiscard]] support::Finished run_cluster_ips() const {
    return conntruth({"run", "--lab", name_, "--select", "clusterip", "-o", "json"});
  }
  const std::string name_ = "t-real-" + std::to_string(getpid());
  const std::string state_ = "/tmp/conntruth-test-real-" + std::to_string(getpid());
};

TEST_F(RealRun, is_green_on_three_kinds_of_proxies_and_red_where_one_is_broken) {
  const auto healthy = run_cluster_ips();
  ASSERT_EQ(healthy.status, 0) << healthy.err << healthy.out;
  EXPECT_GE(Json::parse(healthy.out).at("summary").at("pass"), 30);

  const auto planted = conntruth({"lab", "fault", "plant", name_, "wrong-endpoint", "--node", "node-3"});
  ASSERT_EQ(planted.status, 0) << planted.err;
  const auto broken = run_cluster_ips();
  EXPECT_EQ(broken.status, 2) << broken.err;
  const auto report = Json::parse(broken.out);
  std::size_t red = 0;
  for (const auto& cell : report.at("cells")) {
    if (cell.at("verdict") != "fail") continue;
    ++red;
    EXPECT_EQ(cell.at("reason").at("code"), "wrong-endpoint") << cell.at("id");
    EXPECT_EQ(cell.at("vantage").get<std::string>().substr(0, 6), "node-3") << cell.at("id");
  }
  EXPECT_EQ(red, 4U) << "TCP from the node and its pod, in both families";
}

TEST_F(RealRun, what_a_killed_run_leaves_is_cleaned_up) {
  support::Process run(
      {std::string(CONNTRUTH_BIN_DIR) + "/conntruth", "run", "--lab", name_, "--select", "endpoints-come-and-go"},
      {"CONNTRUTH_STATE_DIR=" + state_});
  ASSERT_TRUE(run.wait_for_error_text("stage 2", std::chrono::seconds(60))) << run.err();
  run.signal(SIGKILL);
  const auto early = conntruth({"cleanup", "--lab", name_});
  EXPECT_EQ(early.status, 1) << early.out;
  EXPECT_NE(early.err.find("another run is going on"), std::string::npos) << early.err;
  EXPECT_NE(early.err.find("--force"), std::string::npos) << early.err;
  const auto forced = conntruth({"cleanup", "--lab", name_, "--force"});
  EXPECT_EQ(forced.status, 0) << forced.err;
  EXPECT_NE(forced.out.find("Services"), std::string::npos) << forced.out;
  EXPECT_EQ(forced.out.find(": 0 Services"), std::string::npos) << forced.out;
  const auto again = conntruth({"cleanup", "--lab", name_});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_NE(again.out.find(": 0 Services and 0 EndpointSlices removed"), std::string::npos) << again.out;
}

}  // namespace
}  // namespace conntruth::lab::test
