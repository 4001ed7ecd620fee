// Session and fleet over gRPC: unix sockets and TCP on the loopback device.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "agent/session/session.hpp"
#include "controller/fleet/listener.hpp"
#include "tests/support/fake_worker.hpp"
#include "tests/support/test_run.hpp"

namespace conntruth::fleet {
namespace {

using session::Session;
using session::SessionOptions;
using support::FakeWorker;
using support::make_work;
using support::TestRun;

// Real streams that the test can cut as a broken connection would.
class CuttableTransport : public session::Transport {
 public:
  explicit CuttableTransport(const std::string& target) : inner_(*session::make_grpc_transport(target)) {}
  [[nodiscard]] std::unique_ptr<session::Link> connect(session::LinkEvents& events) override {
    const std::lock_guard lock(mutex_);
    events_ = &events;
    return inner_->connect(events);
  }
  void cut() {
    const std::lock_guard lock(mutex_);
    events_->closed("cut by the test");
  }

 private:
  std::unique_ptr<session::Transport> inner_;
  std::mutex mutex_;
  session::LinkEvents* events_ = nullptr;
};

class Agent {
 public:
  explicit Agent(const std::string& target, const std::string& node = "node-1")
      : transport(target), session_(options(node), transport), worker(session_.sink()) {
    result_ = std::async(std::launch::async, [this] { return session_.run(worker); });
  }
  ~Agent() {
    session_.request_stop();
    if (result_.valid()) result_.wait();
  }
  [[nodiscard]] Status result() { return result_.get(); }

  CuttableTransport transport;

 private:
  static SessionOptions options(const std::string& node) {
    SessionOptions options;
    options.hello.node = node;
    return options;
  }
  Session session_;

 public:
  FakeWorker worker;

 private:
  std::future<Status> result_;
};

class GrpcTest : public testing::Test {
 protected:
  GrpcTest() { std::filesystem::create_directory(directory_); }
  ~GrpcTest() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string path() const { return directory_ + "/controller.sock"; }
  [[nodiscard]] std::string target() const { return "unix:" + path(); }

 private:
  const std::string directory_ = testing::TempDir() + "conntruth-grpc-" + std::to_string(getpid());
};

TEST_F(GrpcTest, delivers_a_run_over_a_unix_socket) {
  Fleet fleet{FleetOptions{}};
  ASSERT_TRUE(fleet.listen(target()));
  Agent agent(target());
  TestRun run(fleet);
  ASSERT_TRUE(run.until_joined());
  ASSERT_TRUE(fleet.assign("node-1", make_work(1, 9, 100'000)));
  ASSERT_TRUE(run.until_done(1));
  EXPECT_TRUE(run.has_each_once(9, 100'000));
  fleet.stop("run is over");
  EXPECT_TRUE(agent.result());
}

TEST_F(GrpcTest, streams_that_are_cut_again_and_again_lose_and_double_nothing) {
  FleetOptions options;
  options.resume_within = std::chrono::minutes(1);
  Fleet fleet(options);
  ASSERT_TRUE(fleet.listen(target()));
  Agent agent(target());
  TestRun run(fleet);
  ASSERT_TRUE(run.until_joined());
  ASSERT_TRUE(fleet.assign("node-1", make_work(1, 9, 200'000)));
  for (int cuts = 1; cuts <= 5; ++cuts) {
    ASSERT_TRUE(run.until([&](const TestRun& r) { return r.sequences.size() >= 5U * static_cast<unsigned>(cuts); }));
    agent.transport.cut();
    ASSERT_TRUE(run.until([&](const TestRun& r) { return r.resumed >= cuts; }));
  }
  ASSERT_TRUE(run.until_done(1));
  EXPECT_TRUE(run.has_each_once(9, 200'000));
  EXPECT_TRUE(run.lost.empty());
}

TEST_F(GrpcTest, agents_find_the_controller_that_comes_back) {
  auto fleet = std::make_unique<Fleet>(FleetOptions{});
  Agent agent(target());  // nobody listens yet
  ASSERT_TRUE(fleet->listen(target()));
  TestRun run(*fleet);
  EXPECT_TRUE(run.until_joined());
}

TEST_F(GrpcTest, many_agents_end_when_the_fleet_stops) {
  Fleet fleet{FleetOptions{}};
  ASSERT_TRUE(fleet.listen(target()));
  std::vector<std::unique_ptr<Agent>> agents;
  for (int i = 0; i < 20; ++i) agents.push_back(std::make_unique<Agent>(target(), "node-" + std::to_string(i)));
  TestRun run(fleet);
  ASSERT_TRUE(run.until_joined(20));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(fleet.assign("node-" + std::to_string(i), make_work(1, 9, 50'000)));
  ASSERT_TRUE(run.until([](const TestRun& r) { return r.samples.size() > 50'000; }));
  fleet.stop("interrupted");  // in the middle of traffic
  for (auto& agent : agents) EXPECT_TRUE(agent->result());
}

// An agent that never says a word and one that never reads must not keep the controller from ending.
class Mute : public session::LinkEvents {
 public:
  void message(std::string) override {}
  void closed(const std::string&) override { ended.set_value(); }
  std::promise<void> ended;
};

TEST_F(GrpcTest, stop_does_not_hang_on_a_stream_without_a_hello) {
  Fleet fleet{FleetOptions{}};
  ASSERT_TRUE(fleet.listen(target()));
  Mute mute;
  const auto transport = *session::make_grpc_transport(target());
  const auto link = transport->connect(mute);
  link->send("garbage that is no message");
  Agent agent(target());
  TestRun run(fleet);
  ASSERT_TRUE(run.until_joined());
  fleet.stop("");
  EXPECT_EQ(mute.ended.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

TEST_F(GrpcTest, the_socket_is_for_its_owner_only) {
  Fleet fleet{FleetOptions{}};
  ASSERT_TRUE(fleet.listen(target()));
  struct stat info{};
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(GrpcTest, two_controllers_cannot_share_a_socket_but_a_stale_one_is_replaced) {
  {
    Fleet first{FleetOptions{}};
    ASSERT_TRUE(first.listen(target()));
    Fleet second{FleetOptions{}};
    const auto refused = second.listen(target());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  }
  // What a killed controller leaves behind.
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path().copy(address.sun_path, sizeof(address.sun_path) - 1);
  unlink(path().c_str());
  ASSERT_EQ(bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(left);
  Fleet third{FleetOptions{}};
  EXPECT_TRUE(third.listen(target()));
}

TEST_F(GrpcTest, bad_targets_are_refused_with_a_reason) {
  Fleet fleet{FleetOptions{}};
  const auto too_long = fleet.listen("unix:/tmp/" + std::string(200, 'x'));
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, ErrorCode::kInvalidInput);
  EXPECT_FALSE(fleet.listen("unix:" + path() + "/no/such/folder"));
}

TEST_F(GrpcTest, an_agent_without_a_controller_gives_up) {
  const auto transport = *session::make_grpc_transport(target());
  SessionOptions options;
  options.give_up_after = std::chrono::milliseconds(200);
  Session session(options, *transport);
  FakeWorker worker(session.sink());
  const auto ended = session.run(worker);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace conntruth::fleet
