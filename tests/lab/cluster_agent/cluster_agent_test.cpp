// conntruth-agent --cluster in a node with a real kube-apiserver, with the capabilities that it needs and no
// more.
#include <fmt/format.h>

#include <csignal>

#include "tests/lab/cluster_agent/cluster_lab.hpp"
#include "tests/support/process.hpp"
#include "tests/support/test_run.hpp"

namespace conntruth::agent::test {
namespace {

using support::TestRun;
using testing::ElementsAre;
using testing::HasSubstr;

ProbeTask probe(std::uint32_t id, Method method, const std::string& place, const char* address) {
  ProbeTask task;
  task.id = id;
  task.method = method;
  task.place = place;
  task.target = {*IpAddress::parse(address), 8080};
  task.count = 20;
  return task;
}

// Every method, from the node and from a pod, to responders in the node and in a pod.
Assignment every_method(std::uint64_t id) {
  Assignment assignment;
  assignment.id = id;
  for (const auto* place : {"", "node-1-pod-1"}) {
    for (const auto protocol : {Protocol::kUdp, Protocol::kTcp, Protocol::kSctp}) {
      const auto number = static_cast<std::uint32_t>(assignment.responders.size() + 1);
      assignment.responders.push_back({number, place, protocol, 8080});
    }
  }
  std::uint32_t task = 11;
  for (const auto* place : {"", "node-1-pod-0"}) {
    for (const auto* target : {"172.31.0.11", "10.244.1.11", "fd31::b", "fd44:0:0:1::b"}) {
      for (const auto method :
           {Method::kUdpSocket, Method::kTcpSocket, Method::kUdpCrafted, Method::kTcpSyn, Method::kSctpInit}) {
        assignment.tasks.push_back(probe(task++, method, place, target));
      }
    }
  }
  return assignment;
}

TEST_F(ClusterLab, serves_one_run_after_the_other_with_every_method_by_its_capabilities_alone) {
  start_agent();
  ASSERT_TRUE(logged("API server 172.31.0.1:6443"));
  for (const std::uint64_t number : {1U, 2U}) {
    const auto fleet = listen();
    call_for_agents(fmt::format("controller-{}", number), address());
    TestRun run(*fleet);
    ASSERT_TRUE(run.until_joined());
    EXPECT_THAT(fleet->agents(), ElementsAre("node-1"));
    ASSERT_TRUE(fleet->assign("node-1", every_method(number)));
    ASSERT_TRUE(run.until_done(number));
    EXPECT_EQ(run.done[number], "");
    EXPECT_EQ(run.whole_samples.size(), 800U);
    for (const auto& sample : run.whole_samples) {
      ASSERT_EQ(sample.outcome, Outcome::kReplied) << task_of(sample.id) << ": " << sample.error;
    }
    fleet->stop("the run is over");
    call_off();
    ASSERT_TRUE(logged(fmt::format("a run of controller-{} wants agents at 172.31.0.1:7443; 2 anchors here", number)));
    ASSERT_TRUE(logged("the run is over; waiting for the next one"));
  }
  const auto health =
      support::run_process({CONNTRUTH_BIN_DIR "/conntruth-agent", "--check", "ready", "--state", file("state")});
  EXPECT_EQ(health.status, 0) << health.err;
  EXPECT_THAT(health.out, HasSubstr("ready: waiting for a run"));
  kill(agent_, SIGTERM);
  EXPECT_EQ(agent_ended(), 0);
}

TEST_F(ClusterLab, a_service_dataplane_that_drops_everything_does_not_blind_it) {
  start_agent();
  ASSERT_TRUE(logged("API server 172.31.0.1:6443"));
  end(std::exchange(agent_, -1));
  ASSERT_EQ(in_node("nft 'table inet broken { chain output { type filter hook output priority -350; "
                    "ip daddr 10.96.0.0/16 drop; }; }'"),
            0);
  start_agent();
  const auto fleet = listen();
  call_for_agents("controller-1", address());
  TestRun run(*fleet);
  EXPECT_TRUE(run.until_joined());
  fleet->stop("");
  EXPECT_EQ(in_node("nft delete table inet broken"), 0);
}

TEST_F(ClusterLab, a_lease_that_goes_ends_the_session_and_a_dead_controllers_is_given_up) {
  start_agent();
  const auto fleet = listen();
  call_for_agents("controller-1", address());
  TestRun run(*fleet);
  ASSERT_TRUE(run.until_joined());
  call_off();
  EXPECT_TRUE(logged("the Lease of this run is gone"));
  EXPECT_TRUE(logged("the run is over; waiting for the next one"));
  fleet->stop("");
  call_for_agents("controller-2", "172.31.0.1:7444");
  EXPECT_TRUE(logged("the controller was not heard of for 5 s"));
  EXPECT_TRUE(logged("if the run still wants agents then"));
}

TEST_F(ClusterLab, the_token_of_one_node_is_no_other_nodes) {
  start_agent("node-2");
  const auto fleet = listen();
  call_for_agents("controller-1", address());
  TestRun run(*fleet);
  ASSERT_TRUE(run.until([&](const TestRun&) { return fleet->counters().refused_tokens > 0; }));
  EXPECT_TRUE(logged("it was given out on node node-1, not on node-2"));
  EXPECT_THAT(fleet->refusals().at("node-2"), HasSubstr("not on node-2"));
  fleet->stop("");
}

TEST_F(ClusterLab, an_anchor_that_ends_is_the_error_of_what_was_to_be_done_there) {
  start_agent();
  const auto fleet = listen();
  call_for_agents("controller-1", address());
  TestRun run(*fleet);
  ASSERT_TRUE(run.until_joined());
  end(anchors_.back());
  anchors_.pop_back();
  ASSERT_TRUE(fleet->assign("node-1", every_method(1)));
  ASSERT_TRUE(run.until_done(1));
  EXPECT_THAT(run.done[1], HasSubstr("place node-1-pod-1: its process"));
  fleet->stop("");
}

TEST_F(ClusterLab, a_process_of_that_name_without_an_anchors_address_is_left_alone) {
  end(anchors_.back());
  anchors_.pop_back();
  ASSERT_EQ(in_node(fmt::format("{}/conntruth-anchor 1 & echo $! > {}", CONNTRUTH_BIN_DIR, file("impostor"))), 0);
  start_agent();
  const auto fleet = listen();
  call_for_agents("controller-1", address());
  TestRun run(*fleet);
  ASSERT_TRUE(run.until_joined());
  EXPECT_TRUE(logged("1 anchors here"));
  EXPECT_TRUE(logged("conntruth-anchor 1: no anchor pod of this node has its address; it is left alone"));
  fleet->stop("");
  EXPECT_EQ(in_node("kill $(cat " + file("impostor") + ")"), 0);
}

}  // namespace
}  // namespace conntruth::agent::test
