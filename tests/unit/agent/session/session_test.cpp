// A session and a fleet on a scripted wire: what a run gets must be the same whatever happens to the streams.
#include "agent/session/session.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "tests/support/fake_wire.hpp"
#include "tests/support/fake_worker.hpp"
#include "tests/support/test_run.hpp"

namespace conntruth::session {
namespace {

using fleet::Fleet;
using fleet::FleetOptions;
using support::Direction;
using support::FakeWire;
using support::FakeWorker;
using support::Fate;
using support::make_work;
using support::TestRun;

SessionOptions agent_options() {
  SessionOptions options;
  options.hello.node = "node-1";
  options.hello.agent_version = "0.1.0";
  options.spool.batch_samples = 256;
  options.spool.flush = std::chrono::milliseconds(5);
  options.first_back_off = std::chrono::milliseconds(1);
  return options;
}

FleetOptions patient() {
  FleetOptions options;
  options.lease = std::chrono::minutes(2);
  options.resume_within = std::chrono::minutes(2);
  return options;
}

// One agent and one fleet; run() of the session on a thread of its own.
class Pair {
 public:
  explicit Pair(SessionOptions session_options = agent_options(), FleetOptions fleet_options = patient())
      : fleet(
            std::move(fleet_options),
            [this](const std::string& target, fleet::ConnectionEvents& events) { return wire.listen(target, events); }),
        run(fleet),
        session(std::move(session_options), wire),
        worker(session.sink()) {
    EXPECT_TRUE(fleet.listen("fake"));
  }
  ~Pair() {
    session.request_stop();
    if (result_.valid()) result_.wait();
    fleet.stop("");
  }
  void start() {
    result_ = std::async(std::launch::async, [this] { return session.run(worker); });
  }
  [[nodiscard]] Status result() { return result_.get(); }

  FakeWire wire;
  Fleet fleet;
  TestRun run;
  Session session;
  FakeWorker worker;

 private:
  std::future<Status> result_;
};

TEST(Session, carries_out_an_assignment_and_delivers_every_sample_once) {
  Pair pair;
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(1, 9, 1000)));
  ASSERT_TRUE(pair.run.until_done(1));
  EXPECT_TRUE(pair.run.has_each_once(9, 1000));
  EXPECT_EQ(pair.run.sights, 16U);
  ASSERT_FALSE(pair.run.losses.empty());
  EXPECT_EQ(pair.run.losses[0], (LossCounter{"late-answer", 2}));
  pair.fleet.stop("run is over");
  EXPECT_TRUE(pair.result());
  EXPECT_EQ(pair.worker.abandoned_, 1);
}

// What the walk saw last comes before, or with, the end of the assignment that stops it.
TEST(Session, the_end_of_an_assignment_does_not_overtake_hops_and_notes) {
  Pair pair;
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  auto& sink = pair.session.sink();
  for (ProbeId id = 1; id <= 300; ++id) {
    Hop hop;
    hop.probe = id;
    sink.hops({hop});
  }
  sink.notes(5, {"tier 2: not permitted"});
  sink.finished(5, "");
  ASSERT_TRUE(pair.run.until_done(5));
  ASSERT_EQ(pair.run.hops.size(), 300U);
  for (ProbeId id = 1; id <= 300; ++id) EXPECT_EQ(pair.run.hops[id - 1].probe, id);
  EXPECT_EQ(pair.run.notes, std::vector<std::string>{"tier 2: not permitted"});
}

TEST(Session, hops_beyond_the_bound_are_counted) {
  auto agent = agent_options();
  agent.spool.capacity = 2;
  agent.spool.batch_samples = 1;
  Pair pair(agent);
  for (int i = 0; i < 20; ++i) pair.session.sink().hops({Hop{}});
  const auto counters = pair.session.counters();
  EXPECT_EQ(counters, (std::vector<LossCounter>{{"hops-dropped", 12}}));
}

TEST(Session, reports_an_assignment_that_cannot_be_carried_out) {
  Pair pair;
  pair.worker.fail_with("no place named node-9-pod-0");
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(4, 9, 10)));
  ASSERT_TRUE(pair.run.until_done(4));
  EXPECT_EQ(pair.run.done[4], "no place named node-9-pod-0");
}

// The heart of it: wherever the stream is cut, before or after a message arrived, the run sees the same samples.
void cut_once(Direction direction, std::uint64_t at, Fate fate) {
  SCOPED_TRACE(testing::Message() << (direction == Direction::kToAgent ? "to agent " : "to controller ") << at
                                  << (fate == Fate::kCutBefore ? " before" : " after"));
  Pair pair;
  pair.wire.set_script([=](Direction of, std::uint64_t index, const std::string&) {
    return of == direction && index == at ? fate : Fate::kDeliver;
  });
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(1, 9, 1000)));
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(2, 10, 300)));
  ASSERT_TRUE(pair.run.until_done(1));
  ASSERT_TRUE(pair.run.until_done(2));
  EXPECT_TRUE(pair.run.has_each_once(9, 1000));
  EXPECT_TRUE(pair.run.has_each_once(10, 300));
  EXPECT_TRUE(pair.run.lost.empty());
  EXPECT_EQ(pair.worker.carried_out_[1], 1);
  EXPECT_EQ(pair.worker.carried_out_[2], 1);
}

TEST(Session, a_cut_at_any_message_loses_and_doubles_nothing) {
  for (const auto direction : {Direction::kToController, Direction::kToAgent}) {
    for (std::uint64_t at = 0; at < 8; ++at) {
      cut_once(direction, at, Fate::kCutBefore);
      cut_once(direction, at, Fate::kCutAfter);
    }
  }
}

TEST(Session, messages_that_arrive_twice_count_once) {
  Pair pair;
  pair.wire.set_script([](Direction, std::uint64_t index, const std::string&) {
    return index == 0 ? Fate::kDeliver : Fate::kTwice;  // a second hello would be a protocol error
  });
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(1, 9, 2000)));
  ASSERT_TRUE(pair.run.until_done(1));
  EXPECT_TRUE(pair.run.has_each_once(9, 2000));
  EXPECT_EQ(pair.worker.carried_out_[1], 1);
  EXPECT_TRUE(pair.run.until([&](const TestRun&) { return pair.fleet.counters().duplicate_batches > 0; }));
}

TEST(Session, a_controller_that_stores_nothing_slows_the_worker_and_loses_nothing) {
  auto agent = agent_options();
  agent.spool.capacity = 4;
  auto controller = patient();
  controller.queue_capacity = 2;
  Pair pair(agent, controller);
  pair.run.acknowledging = false;
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(1, 9, 20'000)));
  ASSERT_TRUE(pair.worker.wait([](const FakeWorker& worker) { return worker.was_congested_; }));
  // Everything that it may send without an acknowledgement has come, and not more.
  ASSERT_TRUE(pair.run.until([](const TestRun& run) { return run.sequences.size() >= 4; }));
  EXPECT_FALSE(pair.run.done.contains(1));
  pair.run.acknowledging = true;
  pair.fleet.acknowledge("node-1", pair.run.sequences.back());
  ASSERT_TRUE(pair.run.until_done(1));
  EXPECT_TRUE(pair.run.has_each_once(9, 20'000));
}

TEST(Session, a_fleet_queue_that_is_full_holds_the_streams_back) {
  auto controller = patient();
  controller.queue_capacity = 1;
  Pair pair(agent_options(), controller);
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(1, 9, 20'000)));
  ASSERT_TRUE(pair.run.until_done(1));
  EXPECT_TRUE(pair.run.has_each_once(9, 20'000));
  EXPECT_GT(pair.fleet.counters().paused_reads, 0U);
}

// The clock jumps beyond a long lease, so that a slow machine cannot let one run out by itself.
TEST(Session, a_lease_that_runs_out_ends_all_probing_and_the_next_hello_starts_anew) {
  std::atomic<int> minutes = 0;
  const auto now = [&minutes] { return std::chrono::steady_clock::now() + std::chrono::minutes(minutes); };
  auto agent = agent_options();
  agent.now = now;
  agent.give_up_after = std::chrono::hours(1);
  auto controller = patient();
  controller.now = now;
  controller.resume_within = std::chrono::milliseconds(1);
  Pair pair(agent, controller);
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  // Joined is what the fleet knows; that work is done shows that the welcome arrived.
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(2, 8, 10)));
  ASSERT_TRUE(pair.run.until_done(2));
  pair.wire.silence(true);
  minutes = 3;
  pair.session.sink().sights({Sight{}});  // wakes it
  ASSERT_TRUE(pair.worker.wait([](const FakeWorker& worker) { return worker.abandoned_ == 1; }));
  ASSERT_TRUE(pair.run.until([](const TestRun& run) { return !run.lost.empty(); }));
  pair.wire.silence(false);
  ASSERT_TRUE(pair.run.until_joined(2));
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(1, 9, 500)));
  ASSERT_TRUE(pair.run.until_done(1));
  EXPECT_TRUE(pair.run.has_each_once(9, 500));
}

TEST(Session, gives_up_on_a_controller_that_never_answers) {
  auto agent = agent_options();
  agent.give_up_after = std::chrono::milliseconds(100);
  Pair pair(agent);
  pair.wire.refuse(true);
  pair.start();
  const auto result = pair.result();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_GT(pair.wire.connects(), 1U);
  EXPECT_EQ(pair.worker.abandoned_, 1);
}

TEST(Session, another_protocol_version_is_refused_by_name) {
  auto agent = agent_options();
  agent.hello.protocol_version = codec::kProtocolVersion + 1;
  Pair pair(agent);
  pair.start();
  const auto result = pair.result();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupported);
  const auto words = fmt::format("speaks protocol {}, this controller speaks {}", codec::kProtocolVersion + 1,
                                 codec::kProtocolVersion);
  EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
  EXPECT_TRUE(pair.fleet.agents().empty());
  EXPECT_EQ(pair.fleet.counters().refused_agents, 1U);
}

TEST(Session, a_second_agent_of_the_same_node_takes_the_place_of_the_first) {
  Pair pair;
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  Session second(agent_options(), pair.wire);
  FakeWorker worker(second.sink());
  auto ended = std::async(std::launch::async, [&] { return second.run(worker); });
  const auto first_result = [&] {
    EXPECT_TRUE(pair.run.until_joined(2));
    return pair.result();
  }();
  EXPECT_FALSE(first_result);
  ASSERT_TRUE(pair.fleet.assign("node-1", make_work(1, 9, 10)));
  ASSERT_TRUE(pair.run.until_done(1));
  pair.fleet.stop("");
  EXPECT_TRUE(ended.get());
}

TEST(Session, stops_when_asked) {
  Pair pair;
  pair.start();
  ASSERT_TRUE(pair.run.until_joined());
  pair.session.request_stop();
  EXPECT_TRUE(pair.result());
}

}  // namespace
}  // namespace conntruth::session
