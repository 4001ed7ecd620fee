// The main job, seen from the command line.

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/lab/run/run_fixture.hpp"

namespace conntruth {
namespace {

using Json = nlohmann::json;
using ::testing::Test;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(RunTest, a_healthy_lab_is_green_and_the_report_counts_every_cell) {
  const auto finished = run({"--select", "clusterip,hairpin,no-endpoints", "-o", "json"});
  ASSERT_EQ(finished.status, 0) << finished.err << finished.out.substr(0, 2000);
  const auto report = Json::parse(finished.out);
  EXPECT_EQ(report.at("kind"), "Report");
  const auto& summary = report.at("summary");
  EXPECT_GT(summary.at("pass"), 50);
  EXPECT_EQ(summary.at("fail"), 0);
  EXPECT_EQ(summary.at("invalid"), 0);
  EXPECT_EQ(summary.at("error"), 0);
  std::size_t counted = 0;
  for (const auto& [name, count] : summary.items()) counted += count.get<std::size_t>();
  EXPECT_EQ(counted, report.at("cells").size());
}

TEST_F(RunTest, every_node_is_a_client_in_both_families) {
  const auto finished = run({"--select", "clusterip", "-o", "json"});
  const auto report = Json::parse(finished.out);
  std::set<std::string> seen;
  for (const auto& cell : report.at("cells")) {
    seen.insert(cell.at("vantage").get<std::string>() + "/" + cell.at("family").get<std::string>());
  }
  for (const auto* node : {"node-1", "node-2", "node-3"}) {
    for (const auto* family : {"ipv4", "ipv6"}) {
      EXPECT_TRUE(seen.contains(std::string(node) + "/" + family)) << node << family;
      EXPECT_TRUE(seen.contains(std::string(node) + "-pod-0/" + family)) << node << family;
    }
  }
}

// Six agents of a lab probe at a time.
TEST_F(RunTest, where_there_are_more_nodes_than_probe_at_a_time_all_get_their_turn) {
  lab::LabSpec spec;
  spec.name = lab_name() + "-many";
  spec.nodes = 8;
  spec.pods_per_node = 1;
  const auto lab = lab::Lab::up(spec);
  ASSERT_TRUE(lab) << lab.error().message;
  const auto finished = conntruth(
      {"run", "--lab", spec.name, "--select", "clusterip", "--protocol", "udp", "--ip-family", "ipv4", "-o", "json"});
  EXPECT_TRUE(lab::Lab::down(spec.name));
  ASSERT_EQ(finished.status, 0) << finished.err << finished.out.substr(0, 2000);
  const auto summary = Json::parse(finished.out).at("summary");
  EXPECT_EQ(summary.at("pass"), 8 + 8 + 8) << "pods, hosts, and what follows the change";
}

TEST_F(RunTest, rejudging_gives_the_same_report_byte_for_byte) {
  const auto finished = run({"--select", "clusterip", "-o", "json"});
  const auto id = Json::parse(finished.out).at("run").at("id").get<std::string>();
  const auto file = std::filesystem::path(state_directory()) / "runs" / id / "report.json";
  const auto first = text_of(file);
  EXPECT_EQ(finished.out, first);
  const auto again = conntruth({"rejudge", id, "-o", "json"});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.out, first);
  EXPECT_EQ(text_of(file), first);
}

TEST_F(RunTest, a_cell_can_be_explained_and_a_run_shown_again) {
  const auto finished = run({"--select", "hairpin", "-o", "json"});
  const auto cell = Json::parse(finished.out).at("cells").front().at("id").get<std::string>();
  const auto explained = conntruth({"explain", cell});
  EXPECT_EQ(explained.status, 0) << explained.err;
  EXPECT_NE(explained.out.find(cell), std::string::npos);
  EXPECT_NE(explained.out.find("expected"), std::string::npos);
  EXPECT_EQ(Json::parse(conntruth({"explain", cell, "-o", "json"}).out), Json::parse(finished.out).at("cells").front());
  EXPECT_EQ(conntruth({"explain", cell, "-o", "yaml"}).out.find("id: \"" + cell), 0U);
  EXPECT_EQ(conntruth({"list", "runs", "-o", "yaml"}).out.find("- id: "), 0U);
  EXPECT_EQ(conntruth({"matrix"}).status, 0);
  EXPECT_EQ(conntruth({"explain", "no/such/cell"}).status, 1);
}

// A proxy that stands still fails no single world for sure, as some worlds ask nothing that changed; the canary tells.
TEST_F(RunTest, random_worlds_show_a_node_that_follows_no_change) {
  const auto planted = conntruth({"lab", "fault", "plant", lab_name(), "one-node-behind", "--node", "node-2"});
  ASSERT_EQ(planted.status, 0) << planted.err;
  const auto finished = conntruth({"worlds", "--lab", lab_name(), "--count", "2", "--seed", "1", "--no-shrink", "--out",
                                   std::filesystem::temp_directory_path().string(), "-o", "json"});
  const auto healed = conntruth({"lab", "fault", "heal", lab_name(), "one-node-behind", "--node", "node-2"});
  ASSERT_EQ(healed.status, 0) << healed.err;
  EXPECT_EQ(finished.status, 2) << finished.err;
  const auto report = Json::parse(finished.out);
  const auto follows = [](const Json& red) {
    return red.at("cell").get<std::string>().contains("/node-2>") && red.at("reason").at("code") == "never-followed";
  };
  EXPECT_TRUE(std::ranges::any_of(report.at("beyondWorlds"), follows)) << report.dump(2);
}

TEST_F(RunTest, an_unknown_scenario_is_named_with_the_closest_ones) {
  const auto finished = run({"--select", "clusterpi"});
  EXPECT_EQ(finished.status, 1);
  EXPECT_NE(finished.err.find("clusterpi"), std::string::npos) << finished.err;
  EXPECT_NE(finished.err.find("clusterip"), std::string::npos) << finished.err;
  EXPECT_TRUE(finished.out.empty());
}

TEST_F(RunTest, wrong_words_on_the_command_line_end_with_1) {
  EXPECT_EQ(support::run_process({std::string(CONNTRUTH_BIN_DIR) + "/conntruth", "rum"}).err,
            "conntruth: no command is named rum; --help lists those that there are\n");
  EXPECT_EQ(run({"--protocol", "icmp"}).status, 1);
  EXPECT_EQ(run({"--ip-family", "ipv5"}).status, 1);
  EXPECT_EQ(run({"-o", "xml"}).status, 1);
  EXPECT_EQ(conntruth({"run", "--lab", "no-such-lab"}).status, 1);
  EXPECT_EQ(conntruth({}).status, 1);
  EXPECT_EQ(conntruth({"--help"}).status, 0);
}

TEST_F(RunTest, a_world_that_names_a_missing_node_is_refused_before_anything_starts) {
  const auto file = state_directory() + "-world.yaml";
  std::ofstream(file) << R"(apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec:
  clusterIP: 10.96.7.7
  clusterIPs: [10.96.7.7]
  ports: [{name: http, port: 80, protocol: TCP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: default, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080, protocol: TCP}]
endpoints:
- addresses: [10.244.1.10]
  nodeName: node-9
)";
  const auto finished = run({"--world", file});
  std::filesystem::remove(file);
  EXPECT_EQ(finished.status, 1);
  EXPECT_NE(finished.err.find("node-9"), std::string::npos) << finished.err;
  EXPECT_TRUE(agents().empty());
}

TEST_F(RunTest, two_runs_cannot_share_a_lab) {
  support::Process first(command({"run", "--lab", lab_name(), "--select", "clusterip,nodeport"}), environment());
  ASSERT_TRUE(first.wait_for_error_text("stage 1", std::chrono::seconds(30))) << first.err();
  const auto second = run({"--select", "clusterip"});
  EXPECT_EQ(second.status, 1);
  EXPECT_NE(second.err.find(std::to_string(first.pid())), std::string::npos) << second.err;
  EXPECT_EQ(first.wait(std::chrono::seconds(60)), 0) << first.err();
}

TEST_F(RunTest, an_agent_killed_in_the_middle_leaves_a_partial_run_with_the_other_nodes_cells) {
  support::Process process(command({"run", "--lab", lab_name(), "-o", "json"}), environment());
  ASSERT_TRUE(process.wait_for_error_text("stage 1", std::chrono::seconds(30))) << process.err();
  const auto victims = agents("node-2");
  ASSERT_EQ(victims.size(), 1U);
  kill(victims.front(), SIGKILL);
  const int status = process.wait(std::chrono::seconds(90));
  ASSERT_NE(status, 0) << process.err();
  EXPECT_NE(process.err().find("node-2"), std::string::npos) << process.err();
  const auto report = Json::parse(process.out());
  EXPECT_GT(report.at("summary").at("pass"), 0);
  EXPECT_GT(report.at("summary").at("error"), 0);
  EXPECT_TRUE(agents().empty());
}

TEST_F(RunTest, nothing_is_left_on_the_nodes_when_the_controller_is_killed) {
  support::Process process(command({"run", "--lab", lab_name()}), environment());
  ASSERT_TRUE(process.wait_for_error_text("stage 1", std::chrono::seconds(30))) << process.err();
  std::vector<int> handles;
  for (const auto pid : agents()) handles.push_back(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  ASSERT_FALSE(handles.empty());
  process.signal(SIGKILL);
  EXPECT_EQ(process.wait(std::chrono::seconds(10)), 128 + SIGKILL);
  for (const int handle : handles) {
    pollfd entry{handle, POLLIN, 0};
    EXPECT_EQ(poll(&entry, 1, 20'000), 1) << "an agent outlives its controller";
    close(handle);
  }
  const auto next = run({"--select", "clusterip"});
  EXPECT_EQ(next.status, 0) << next.err << next.out;
  const auto runs = Json::parse(conntruth({"list", "runs", "-o", "json"}).out);
  EXPECT_TRUE(std::ranges::any_of(runs, [](const Json& each) { return each.at("state") == "abandoned"; }));
}

TEST_F(RunTest, an_interrupted_run_says_so_and_keeps_what_it_has) {
  support::Process process(command({"run", "--lab", lab_name()}), environment());
  ASSERT_TRUE(process.wait_for_error_text("stage 1", std::chrono::seconds(30))) << process.err();
  process.signal(SIGINT);
  const int status = process.wait(std::chrono::seconds(30));
  EXPECT_NE(status, 0);
  EXPECT_NE(status, -1) << process.err();
  EXPECT_NE(process.out().find("interrupted"), std::string::npos) << process.out().substr(0, 500);
  EXPECT_TRUE(agents().empty());
}

}  // namespace
}  // namespace conntruth
