// The agent program as a process in a network namespace of its own, driven by a fleet over a unix socket: whole probes,
// from assignment to stored bytes, with the loopback device as the network.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "tests/support/test_run.hpp"

namespace conntruth {
namespace {

using support::TestRun;

// In a new network namespace with only the loopback device up.
void become_a_node() {
  if (unshare(CLONE_NEWNET) != 0) _exit(101);
  const int control = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (ioctl(control, SIOCSIFFLAGS, &request) != 0) _exit(102);
  close(control);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

class AgentProgram : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "a network namespace of its own needs root";
    std::filesystem::create_directory(directory_);
    ASSERT_TRUE(fleet_.listen(target()));
    start_agent();
    ASSERT_TRUE(run_.until_joined());
  }
  void TearDown() override {
    fleet_.stop("");
    if (agent_ > 0) {
      EXPECT_EQ(end_of_agent(), 0);
    }
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::string target() const { return "unix:" + directory_ + "/controller.sock"; }

  void start_agent() {
    const std::string program = CONNTRUTH_BIN_DIR "/conntruth-agent";
    const auto where = target();
    agent_ = fork();
    if (agent_ != 0) return;
    become_a_node();
    execl(program.c_str(), program.c_str(), "--node", "node-1", "--controller", where.c_str(), "--log-level", "off",
          nullptr);
    _exit(103);
  }

  // The status as a shell gives it.
  int end_of_agent() {
    int status = 0;
    waitpid(std::exchange(agent_, -1), &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  const std::string directory_ = testing::TempDir() + "conntruth-agent-" + std::to_string(getpid());
  fleet::Fleet fleet_{fleet::FleetOptions{.resume_within = std::chrono::milliseconds(200)}};
  TestRun run_{fleet_};
  pid_t agent_ = -1;
};

ProbeTask probe(std::uint32_t id, Method method, const char* address, std::uint16_t port) {
  ProbeTask task;
  task.id = id;
  task.method = method;
  task.target = {*IpAddress::parse(address), port};
  task.count = 20;
  return task;
}

TEST_F(AgentProgram, probes_by_every_method_are_answered_by_the_responder_of_their_port) {
  Assignment assignment;
  assignment.id = 1;
  assignment.responders = {
      {1, "", Protocol::kUdp, 8080}, {2, "", Protocol::kTcp, 8080}, {3, "", Protocol::kSctp, 8080}};
  assignment.tasks = {probe(11, Method::kUdpSocket, "127.0.0.1", 8080), probe(12, Method::kTcpSocket, "::1", 8080),
                      probe(13, Method::kUdpCrafted, "127.0.0.1", 8080), probe(14, Method::kTcpSyn, "127.0.0.1", 8080),
                      probe(15, Method::kSctpInit, "::1", 8080)};
  ASSERT_TRUE(fleet_.assign("node-1", assignment));
  ASSERT_TRUE(run_.until_done(1));
  EXPECT_EQ(run_.done[1], "");
  const std::map<std::uint32_t, std::uint32_t> responders = {{11, 1}, {12, 2}, {13, 1}, {14, 2}, {15, 3}};
  std::map<std::uint32_t, int> replies;
  for (const auto& sample : run_.whole_samples) {
    EXPECT_EQ(sample.outcome, Outcome::kReplied) << task_of(sample.id) << " " << sample.error;
    EXPECT_EQ(sample.responder, responders.at(task_of(sample.id)));
    ++replies[task_of(sample.id)];
  }
  for (const auto& [task, responder] : responders) EXPECT_EQ(replies[task], 20) << task;
  EXPECT_TRUE(run_.until([](const TestRun& run) { return run.sights >= 100; }));
}

TEST_F(AgentProgram, a_port_without_a_responder_refuses) {
  Assignment assignment;
  assignment.id = 1;
  assignment.tasks = {probe(11, Method::kUdpSocket, "127.0.0.1", 9), probe(12, Method::kTcpSocket, "::1", 9)};
  ASSERT_TRUE(fleet_.assign("node-1", assignment));
  ASSERT_TRUE(run_.until_done(1));
  ASSERT_EQ(run_.whole_samples.size(), 40U);
  for (const auto& sample : run_.whole_samples) EXPECT_EQ(sample.outcome, Outcome::kRefused) << sample.error;
}

TEST_F(AgentProgram, a_responder_in_an_unknown_place_is_the_assignments_error) {
  Assignment assignment;
  assignment.id = 1;
  assignment.responders = {{1, "", Protocol::kUdp, 8080}, {2, "node-9-pod-0", Protocol::kUdp, 8080}};
  ASSERT_TRUE(fleet_.assign("node-1", assignment));
  ASSERT_TRUE(run_.until_done(1));
  EXPECT_NE(run_.done[1].find("node-9-pod-0"), std::string::npos);
  // Nothing of it stayed: the same port is free again.
  assignment.id = 2;
  assignment.responders = {{1, "", Protocol::kUdp, 8080}};
  ASSERT_TRUE(fleet_.assign("node-1", assignment));
  ASSERT_TRUE(run_.until_done(2));
  EXPECT_EQ(run_.done[2], "");
}

TEST_F(AgentProgram, a_walk_is_started_and_stopped_and_its_hops_come_before_its_end) {
  Assignment start;
  start.id = 1;
  start.walk = WalkOrder::kStart;
  ASSERT_TRUE(fleet_.assign("node-1", start));
  ASSERT_TRUE(run_.until_done(1));
  ASSERT_EQ(run_.done[1], "");
  Assignment work;
  work.id = 2;
  work.responders = {{1, "", Protocol::kUdp, 8080}};
  work.tasks = {probe(11, Method::kUdpCrafted, "127.0.0.1", 8080), probe(12, Method::kUdpCrafted, "::1", 9)};
  ASSERT_TRUE(fleet_.assign("node-1", work));
  ASSERT_TRUE(run_.until_done(2));
  Assignment stop;
  stop.id = 3;
  stop.walk = WalkOrder::kStop;
  ASSERT_TRUE(fleet_.assign("node-1", stop));
  ASSERT_TRUE(run_.until_done(3));
  std::map<std::pair<ProbeId, HopKind>, int> seen;
  for (const auto& hop : run_.hops) {
    EXPECT_TRUE(task_of(hop.probe) == 11 || task_of(hop.probe) == 12) << "packets of the walk's own check stay here";
    ++seen[{hop.probe, hop.kind}];
  }
  for (std::uint32_t n = 0; n < 20; ++n) {
    EXPECT_EQ((seen[{probe_id(11, n), HopKind::kDeviceIn}]), 2) << "the probe and its answer";
    EXPECT_GE((seen[{probe_id(11, n), HopKind::kHook}]), 9);
    EXPECT_GE((seen[{probe_id(12, n), HopKind::kDropped}]), 1);
  }
  const auto hops = run_.hops.size();
  work.id = 4;
  work.responders.clear();
  ASSERT_TRUE(fleet_.assign("node-1", work));
  ASSERT_TRUE(run_.until_done(4));
  EXPECT_EQ(run_.hops.size(), hops) << "nobody looks any more";
}

TEST_F(AgentProgram, ends_in_order_on_sigterm_in_the_middle_of_work) {
  Assignment assignment;
  assignment.id = 1;
  assignment.tasks = {probe(11, Method::kUdpSocket, "127.0.0.1", 9)};
  assignment.tasks[0].count = 1'000'000;
  assignment.tasks[0].interval = std::chrono::milliseconds(1);
  ASSERT_TRUE(fleet_.assign("node-1", assignment));
  ASSERT_TRUE(run_.until([](const TestRun& run) { return !run.samples.empty(); }));
  kill(agent_, SIGTERM);
  EXPECT_EQ(end_of_agent(), 0);
  EXPECT_TRUE(run_.until([](const TestRun& run) { return !run.lost.empty(); }));
}

TEST_F(AgentProgram, one_that_is_killed_is_lost_and_its_successor_joins_anew) {
  kill(agent_, SIGKILL);
  EXPECT_EQ(end_of_agent(), 128 + SIGKILL);
  ASSERT_TRUE(run_.until([](const TestRun& run) { return !run.lost.empty(); }));
  start_agent();
  ASSERT_TRUE(run_.until_joined(2));
}

}  // namespace
}  // namespace conntruth
