// A whole run against real proxies beside the reference proxy, as a user starts it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/lab/kubernetes/mixed_lab.hpp"

namespace conntruth::lab::test {
namespace {

using Json = nlohmann::json;

class RealRun : public MixedLab {
 protected:
  [[nodiscard]] support::Finished run_cluster_ips() const {
    return conntruth({"run", "--lab", name_, "--select", "clusterip", "-o", "json"});
  }
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

TEST_F(RealRun, goes_on_when_the_api_server_is_killed_and_comes_back) {
  support::Process run({std::string(CONNTRUTH_BIN_DIR) + "/conntruth", "run", "--lab", name_, "--select",
                        "ports-add-remove,type-changes", "-o", "json"},
                       {"CONNTRUTH_STATE_DIR=" + state_});
  ASSERT_TRUE(run.wait_for_error_text("stage 2", std::chrono::seconds(60))) << run.err();
  // The same program with the same words, a child of the fabric's init as the first one was; only when that one is
  // gone, which takes the kernel a while, is its port free.
  const std::string restart =
      "pid=$(cat \"$1\"); tr '\\0' '\\n' </proc/$pid/cmdline >\"$2\" && kill -9 $pid && "
      "while [ -d /proc/$pid ]; do sleep 0.02; done; setsid xargs -a \"$2\" -d '\\n' env >\"$2.log\" 2>&1 &";
  const auto lab = Lab::open(name_);
  ASSERT_TRUE(lab) << lab.error().message;
  const auto killed = conntruth({"lab", "exec", name_, "fabric", "--", "sh", "-c", restart, "sh",
                                 lab->directory() + "/run/fabric-kube-apiserver.pid", state_ + "/apiserver"});
  ASSERT_EQ(killed.status, 0) << killed.err;
  const auto status = run.wait(std::chrono::seconds(120));
  ASSERT_TRUE(status == 0 || status == 2)
      << status << run.err() << run.out() << "kube-apiserver: "
      << conntruth({"lab", "exec", name_, "fabric", "--", "tail", "-n20", state_ + "/apiserver.log"}).out;
  const auto report = Json::parse(run.out());
  EXPECT_EQ(report.at("summary").at("notRun"), 0);
  EXPECT_EQ(report.at("summary").at("error"), 0);
  // kube-proxy tries again after 0.8, 1.6, 3.2 s and so on (client-go's reflector), so it may come back later than the
  // run does, which is then what the run has to say.
  for (const auto& cell : report.at("cells")) {
    if (cell.at("verdict") != "fail") continue;
    EXPECT_EQ(cell.at("reason").at("code"), "followed-late") << cell;
  }
}

}  // namespace
}  // namespace conntruth::lab::test
