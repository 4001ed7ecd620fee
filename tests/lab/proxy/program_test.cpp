// The program itself in a namespace of its own: files in, report out, signals.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "common/world/world_reader.hpp"
#include "lab/proxy/directory_watch.hpp"
#include "tests/lab/proxy/netns.hpp"
#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Program : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(directory_ / "proxy"); }
  void TearDown() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(directory_);
  }

  void start(const std::vector<std::string>& more = {}) {
    netns_.in([&] {
      pid_ = fork();
      if (pid_ != 0) return;
      std::vector<std::string> words = {CONNTRUTH_BIN_DIR "/conntruth-lab-proxy", "--node",   "node-1",     "--world",
                                        (directory_ / "world.json").string(),     "--report", report_path()};
      words.insert(words.end(), more.begin(), more.end());
      std::vector<char*> arguments;
      for (auto& each : words) arguments.push_back(each.data());
      arguments.push_back(nullptr);
      execv(arguments[0], arguments.data());
      _exit(127);
    });
  }
  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  [[nodiscard]] std::string report_path() const { return (directory_ / "proxy" / "node-1.json").string(); }
  void publish(const std::string& text) const {
    std::ofstream(directory_ / "world.json.new") << text;
    std::filesystem::rename(directory_ / "world.json.new", directory_ / "world.json");
  }
  void publish(world::World world, std::uint64_t generation) const {
    world.generation = generation;
    publish(world::write_world(world));
  }
  // Reads the report each time it is replaced until it fits.
  nlohmann::json report_that(const std::function<bool(const nlohmann::json&)>& fits) const {
    auto watch = DirectoryWatch::open(report_path());
    EXPECT_TRUE(watch);
    for (;;) {
      std::ifstream file(report_path());
      const auto report = file ? nlohmann::json::parse(file) : nlohmann::json();
      if (!report.is_null() && fits(report)) return report;
      pollfd source{watch->fd(), POLLIN, 0};
      if (poll(&source, 1, 10000) <= 0) {
        ADD_FAILURE() << "no such report came; the last one is " << report;
        return report;
      }
      (void)watch->drain();
    }
  }
  nlohmann::json report_of(std::uint64_t generation) const {
    return report_that([&](const auto& report) { return report["generation"] == generation && report["error"] == ""; });
  }
  [[nodiscard]] std::string ruleset() const { return netns_.sh("nft list ruleset"); }

  Netns netns_;
  const std::filesystem::path directory_ =
      std::filesystem::path(::testing::TempDir()) / ("proxy-program-" + std::to_string(getpid()));
  pid_t pid_ = -1;
};

world::World one_service() { return web_world(Protocol::kTcp, {endpoint("10.244.1.10", "node-1")}); }

world::World with_health_port(std::vector<world::Endpoint> endpoints) {
  auto world = web_world(Protocol::kTcp, std::move(endpoints));
  auto& web = world.services.front();
  web.type = world::ServiceType::kLoadBalancer;
  web.external_policy = world::TrafficPolicy::kLocal;
  web.health_check_node_port = 31000;
  return world;
}

TEST_F(Program, serves_health_ports_as_the_world_has_them) {
  const auto status_of = [&](int port, const std::string& path) {
    const auto get = "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(port) + " || exit 0; " + "printf 'GET " + path +
                     " HTTP/1.1\\r\\n\\r\\n' >&3; head -1 <&3 | cut -d' ' -f2";
    return netns_.sh("ip link set lo up; bash -c \"" + get + "\"");
  };
  start();
  publish(with_health_port({endpoint("10.244.1.10", "node-1")}), 5);
  report_of(5);
  EXPECT_EQ(status_of(31000, "/"), "200\n");
  EXPECT_EQ(status_of(10256, "/healthz"), "200\n");
  auto leaving_node = with_health_port({leaving(endpoint("10.244.1.10", "node-1"))});
  leaving_node.nodes[0].deleting = true;
  publish(leaving_node, 6);
  report_of(6);
  EXPECT_EQ(status_of(31000, "/"), "503\n");
  EXPECT_EQ(status_of(10256, "/healthz"), "503\n");
  EXPECT_EQ(status_of(10256, "/livez"), "200\n");
  publish(web_world(Protocol::kTcp, {}), 7);
  report_of(7);
  EXPECT_THAT(status_of(31000, "/"), HasSubstr("Connection refused"));
}

TEST_F(Program, follows_the_world_and_cleans_up_on_sigterm) {
  start();
  publish(one_service(), 5);
  const auto first = report_of(5);
  EXPECT_EQ(first["node"], "node-1");
  EXPECT_GT(first["at_ns"], 0);
  EXPECT_GT(first["changed"], 20);
  publish(web_world(Protocol::kTcp, {}), 6);
  const auto second = report_of(6);
  EXPECT_EQ(second["changed"], 4) << "a chain, a hairpin, service-ips, unserved-ips";
  EXPECT_GT(second["at_ns"], first["at_ns"]);
  EXPECT_THAT(ruleset(), HasSubstr("10.96.0.10 . tcp . 80 : goto reject-port-unreachable"));
  kill(pid_, SIGTERM);
  EXPECT_EQ(wait(), 0);
  EXPECT_EQ(ruleset(), "");
}

TEST_F(Program, keeps_the_old_rules_under_a_broken_world_and_says_why) {
  publish(one_service(), 1);
  start();
  report_of(1);
  const auto before = ruleset();
  publish("{\"kind\": \"List\", \"items\": [{\"kind\": \"Ser");
  const auto report = report_that([](const auto& each) { return each["error"] != ""; });
  EXPECT_EQ(report["generation"], 1);
  EXPECT_THAT(report["error"].get<std::string>(), HasSubstr("world.json"));
  EXPECT_EQ(ruleset(), before);
  publish(one_service(), 2);
  EXPECT_EQ(report_of(2)["changed"], 0);
}

TEST_F(Program, takes_over_what_a_killed_one_left) {
  publish(one_service(), 1);
  start();
  report_of(1);
  const auto before = ruleset();
  kill(pid_, SIGKILL);
  EXPECT_EQ(wait(), 128 + SIGKILL);
  netns_.sh("nft add chain ip conntruth leftover");
  publish(one_service(), 2);
  start();
  report_of(2);
  EXPECT_EQ(ruleset(), before);
}

TEST_F(Program, writes_all_anew_on_sighup) {
  publish(one_service(), 1);
  start();
  const auto first = report_of(1);
  const auto before = ruleset();
  netns_.sh("nft flush chain ip conntruth services");
  kill(pid_, SIGHUP);
  report_that([&](const auto& each) { return each["at_ns"] > first["at_ns"]; });
  EXPECT_EQ(ruleset(), before);
}

TEST_F(Program, once_leaves_the_rules) {
  publish(one_service(), 1);
  start({"--once"});
  EXPECT_EQ(wait(), 0);
  EXPECT_THAT(ruleset(), HasSubstr("dnat to 10.244.1.10:8080"));
}

TEST_F(Program, once_without_a_world_fails_with_a_reason) {
  start({"--once"});
  EXPECT_EQ(wait(), 1);
  EXPECT_NE(report_that([](const auto&) { return true; })["error"], "");
}

TEST_F(Program, cluster_ip_ranges_come_from_the_command_line) {
  publish(one_service(), 1);
  start({"--once", "--cluster-ip-range", "10.200.0.0/16"});
  EXPECT_EQ(wait(), 0);
  EXPECT_THAT(ruleset(), HasSubstr("ip daddr 10.200.0.0/16 drop"));
  EXPECT_THAT(ruleset(), Not(HasSubstr("10.96.0.0/16")));
}

}  // namespace
}  // namespace conntruth::lab_proxy::test
