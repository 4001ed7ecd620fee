// The fleet alone: agents are played by hand and the clock is the test's.
#include "controller/fleet/fleet.hpp"

#include <gtest/gtest.h>

#include "common/codec/session_codec.hpp"
#include "controller/fleet/listener.hpp"

namespace conntruth::fleet {
namespace {

using std::chrono::milliseconds;

class FakeConnection : public Connection {
 public:
  void send(std::string bytes) override { sent.push_back(*codec::decode_controller_message(bytes)); }
  void finish() override { finished = true; }
  void resume_reading() override { ++resumed; }

  template <typename Message>
  [[nodiscard]] const Message* last() const {
    return sent.empty() ? nullptr : std::get_if<Message>(&sent.back());
  }
  std::vector<codec::ControllerMessage> sent;
  bool finished = false;
  int resumed = 0;
};

class FakeListener : public Listener {
 public:
  void shutdown() override {}
};

class FleetTest : public testing::Test {
 protected:
  explicit FleetTest(std::size_t queue_capacity = 256)
      : fleet_({.lease = milliseconds(1000),
                .resume_within = milliseconds(400),
                .queue_capacity = queue_capacity,
                .now = [this] { return now_; }},
               [this](const std::string&, ConnectionEvents& events) -> Result<std::unique_ptr<Listener>> {
                 events_ = &events;
                 return std::make_unique<FakeListener>();
               }) {
    EXPECT_TRUE(fleet_.listen("fake"));
  }

  std::shared_ptr<FakeConnection> connect(const std::string& node, const std::string& session = "") {
    auto connection = std::make_shared<FakeConnection>();
    Hello hello;
    hello.node = node;
    hello.session = session;
    say(connection, hello);
    return connection;
  }
  bool say(const std::shared_ptr<FakeConnection>& connection, codec::AgentMessage message) {
    return events_->message(connection, codec::encode(message));
  }
  bool say_batch(const std::shared_ptr<FakeConnection>& connection, std::uint64_t sequence, std::uint64_t done = 0) {
    ResultBatch batch;
    batch.sequence = sequence;
    batch.assignment = done;
    batch.assignment_done = done != 0;
    return say(connection, batch);
  }
  std::optional<Event> next() { return fleet_.next(now_); }
  template <typename Kind>
  std::optional<Kind> next_is() {
    auto event = next();
    if (!event || !std::holds_alternative<Kind>(*event)) return std::nullopt;
    return std::get<Kind>(*event);
  }
  // In steps, as a run's loop looks again and again; returns the first event.
  std::optional<Event> pass(milliseconds time) {
    for (auto step = milliseconds(0); step < time; step += milliseconds(100)) {
      now_ += milliseconds(100);
      if (auto event = next()) return event;
    }
    return std::nullopt;
  }

  TimePoint now_{std::chrono::hours(1)};
  ConnectionEvents* events_ = nullptr;
  Fleet fleet_;
};

class FleetWithShortQueue : public FleetTest {
 protected:
  FleetWithShortQueue() : FleetTest(2) {}
};

Assignment work(std::uint64_t id) {
  Assignment assignment;
  assignment.id = id;
  return assignment;
}

TEST_F(FleetTest, welcomes_an_agent_with_a_session_and_the_lease) {
  const auto connection = connect("node-1");
  const auto* welcome = connection->last<codec::Welcome>();
  ASSERT_NE(welcome, nullptr);
  EXPECT_EQ(welcome->lease, milliseconds(1000));
  EXPECT_EQ(next_is<AgentJoined>()->hello.node, "node-1");
  EXPECT_EQ(fleet_.agents(), std::vector<std::string>{"node-1"});
}

TEST_F(FleetTest, acknowledges_only_what_the_run_acknowledged) {
  const auto connection = connect("node-1");
  say_batch(connection, 1);
  say_batch(connection, 2);
  EXPECT_EQ(connection->last<codec::Ack>(), nullptr);
  say(connection, codec::Heartbeat{});
  EXPECT_EQ(connection->last<codec::Ack>()->sequence, 0U);
  fleet_.acknowledge("node-1", 2);
  EXPECT_EQ(connection->last<codec::Ack>()->sequence, 2U);
  fleet_.acknowledge("node-1", 7);  // more than ever came
  EXPECT_EQ(connection->last<codec::Ack>()->sequence, 2U);
}

TEST_F(FleetTest, hands_on_the_bytes_of_a_batch_as_they_came) {
  const auto connection = connect("node-1");
  say_batch(connection, 1);
  static_cast<void>(next());
  const auto batch = next_is<Batch>();
  ASSERT_TRUE(batch);
  EXPECT_EQ(std::get<ResultBatch>(*codec::decode_agent_message(batch->encoded)), batch->batch);
}

TEST_F(FleetTest, a_silent_agent_is_lost_when_its_lease_ran_out_and_not_before) {
  const auto connection = connect("node-1");
  static_cast<void>(next());
  EXPECT_FALSE(pass(milliseconds(900)));
  const auto event = pass(milliseconds(200));
  ASSERT_TRUE(event && std::holds_alternative<AgentLost>(*event));
  EXPECT_TRUE(connection->finished);
  EXPECT_EQ(fleet_.assign("node-1", work(1)).error().code, ErrorCode::kNotFound);
}

TEST_F(FleetTest, an_agent_that_is_heard_is_not_lost) {
  const auto connection = connect("node-1");
  static_cast<void>(next());
  for (int i = 0; i < 10; ++i) {
    say(connection, codec::Heartbeat{});
    EXPECT_FALSE(pass(milliseconds(800)));
  }
}

TEST_F(FleetTest, a_controller_that_was_held_up_does_not_blame_the_agents) {
  const auto connection = connect("node-1");
  static_cast<void>(next());
  now_ += milliseconds(5000);
  EXPECT_FALSE(next());
  say(connection, codec::Heartbeat{});
  EXPECT_FALSE(pass(milliseconds(900)));
}

TEST_F(FleetTest, a_cut_agent_resumes_with_what_it_had_not_finished) {
  const auto first = connect("node-1");
  const auto session = first->last<codec::Welcome>()->session;
  ASSERT_TRUE(fleet_.assign("node-1", work(1)));
  ASSERT_TRUE(fleet_.assign("node-1", work(2)));
  say_batch(first, 1, 1);
  fleet_.acknowledge("node-1", 1);
  events_->closed(first, "cut");
  ASSERT_TRUE(fleet_.assign("node-1", work(3)));  // waits for it
  const auto second = connect("node-1", session);
  ASSERT_EQ(second->sent.size(), 3U);
  EXPECT_EQ(std::get<codec::Welcome>(second->sent[0]).session, session);
  EXPECT_EQ(std::get<codec::Welcome>(second->sent[0]).acknowledged, 1U);
  EXPECT_EQ(std::get<Assignment>(second->sent[1]).id, 2U);
  EXPECT_EQ(std::get<Assignment>(second->sent[2]).id, 3U);
  EXPECT_TRUE(next_is<AgentJoined>());
  EXPECT_TRUE(next_is<Batch>());
  EXPECT_TRUE(next_is<AgentResumed>());
}

TEST_F(FleetTest, a_cut_agent_that_does_not_resume_is_lost_with_the_reason) {
  const auto connection = connect("node-1");
  static_cast<void>(next());
  events_->closed(connection, "connection reset");
  EXPECT_FALSE(pass(milliseconds(300)));
  const auto event = pass(milliseconds(200));
  ASSERT_TRUE(event && std::holds_alternative<AgentLost>(*event));
  EXPECT_NE(std::get<AgentLost>(*event).why.find("connection reset"), std::string::npos);
}

TEST_F(FleetTest, a_session_of_another_controller_is_not_resumed) {
  const auto connection = connect("node-1", "somebody-elses-7");
  EXPECT_NE(connection->last<codec::Welcome>()->session, "somebody-elses-7");
  EXPECT_TRUE(next_is<AgentJoined>());
}

TEST_F(FleetTest, an_agent_that_was_restarted_is_lost_and_joins_anew) {
  const auto first = connect("node-1");
  say_batch(first, 1);
  events_->closed(first, "cut");
  connect("node-1");
  EXPECT_TRUE(next_is<AgentJoined>());
  EXPECT_TRUE(next_is<Batch>());
  EXPECT_TRUE(next_is<AgentLost>());
  EXPECT_TRUE(next_is<AgentJoined>());
}

TEST_F(FleetTest, batches_of_a_replaced_stream_are_void) {
  const auto first = connect("node-1");
  const auto session = first->last<codec::Welcome>()->session;
  const auto second = connect("node-1", session);  // the cut was seen by the agent first
  say_batch(first, 1);
  say_batch(second, 1);
  EXPECT_TRUE(first->finished);
  EXPECT_TRUE(next_is<AgentJoined>());
  EXPECT_TRUE(next_is<AgentResumed>());
  EXPECT_TRUE(next_is<Batch>());
  EXPECT_FALSE(next());
  EXPECT_EQ(fleet_.counters().malformed_messages, 0U);
}

TEST_F(FleetTest, duplicates_are_dropped_and_gaps_end_the_stream) {
  const auto connection = connect("node-1");
  say_batch(connection, 1);
  say_batch(connection, 1);
  EXPECT_FALSE(connection->finished);
  say_batch(connection, 3);
  EXPECT_TRUE(connection->finished);
  EXPECT_EQ(fleet_.counters().duplicate_batches, 1U);
  EXPECT_EQ(fleet_.counters().sequence_gaps, 1U);
  static_cast<void>(next());
  EXPECT_TRUE(next_is<Batch>());
  EXPECT_FALSE(next());
}

TEST_F(FleetTest, what_is_no_message_ends_the_stream_with_a_reason) {
  const auto connection = connect("node-1");
  EXPECT_TRUE(events_->message(connection, "garbage"));
  ASSERT_NE(connection->last<codec::Stop>(), nullptr);
  EXPECT_TRUE(connection->last<codec::Stop>()->refused);
  EXPECT_TRUE(connection->finished);
  const auto stranger = std::make_shared<FakeConnection>();
  say(stranger, codec::Heartbeat{});
  EXPECT_TRUE(stranger->finished);
  EXPECT_EQ(fleet_.counters().malformed_messages, 2U);
}

TEST_F(FleetTest, an_invalid_assignment_is_refused_before_it_is_sent) {
  connect("node-1");
  EXPECT_EQ(fleet_.assign("node-1", work(0)).error().code, ErrorCode::kInvalidInput);
}

TEST_F(FleetTest, stop_tells_the_agents_and_ends_all_events) {
  const auto connection = connect("node-1");
  fleet_.stop("run is over");
  EXPECT_EQ(connection->last<codec::Stop>()->reason, "run is over");
  EXPECT_FALSE(connection->last<codec::Stop>()->refused);
  EXPECT_TRUE(connection->finished);
  EXPECT_FALSE(next());
  EXPECT_TRUE(fleet_.agents().empty());
}

TEST_F(FleetWithShortQueue, a_stream_that_fills_the_queue_is_held_back_and_not_blamed_for_its_silence) {
  const auto connection = connect("node-1");
  EXPECT_FALSE(say_batch(connection, 1));  // the second event: full
  for (int i = 0; i < 30; ++i) now_ += milliseconds(100);
  EXPECT_TRUE(next_is<AgentJoined>());
  EXPECT_EQ(connection->resumed, 1);
  EXPECT_TRUE(next_is<Batch>());
  EXPECT_TRUE(say_batch(connection, 2));
  EXPECT_TRUE(next_is<Batch>());
}

}  // namespace
}  // namespace conntruth::fleet
