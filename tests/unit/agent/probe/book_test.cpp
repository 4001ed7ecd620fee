#include "agent/probe/book.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace conntruth::probe {
namespace {

class Notes final : public Sink {
 public:
  void samples(std::uint64_t /*assignment*/, std::vector<Sample> batch) override {
    largest = std::max(largest, batch.size());
    all.insert(all.end(), batch.begin(), batch.end());
  }
  void task_finished(std::uint64_t /*assignment*/, std::uint32_t task) override { tasks.push_back(task); }
  void assignment_finished(std::uint64_t assignment) override { assignments.push_back(assignment); }
  void assignment_quiet(std::uint64_t assignment) override { quiet.push_back(assignment); }
  std::vector<Sample> all;
  std::vector<std::uint32_t> tasks;
  std::vector<std::uint64_t> assignments;
  std::vector<std::uint64_t> quiet;
  std::size_t largest = 0;
};

class BookTest : public ::testing::Test {
 protected:
  TaskState& task(std::uint32_t count) {
    auto& state = *tasks_.emplace_back(std::make_unique<TaskState>());
    state.spec.id = static_cast<std::uint32_t>(tasks_.size());
    state.spec.count = count;
    state.spec.timeout = std::chrono::milliseconds(1);
    state.assignment = assignment;
    book.begin(state);
    return state;
  }
  Flight& open(TaskState& state, std::int64_t now_ns = 0) {
    return book.open(state, probe_id(state.spec.id, state.next++), 10000, now_ns);
  }
  static wire::Identity answer(std::uint32_t responder = 9) {
    return {.responder = responder, .seen_source = {}, .seen_destination = {}};
  }
  std::shared_ptr<AssignmentState> assignment = std::make_shared<AssignmentState>(5, 1);
  Notes notes;
  io::LossCounters losses;
  Book book{16, AnswerWindow::kMost, 4, 1000, notes, losses};

 private:
  std::vector<std::unique_ptr<TaskState>> tasks_;
};

TEST_F(BookTest, the_last_sample_comes_before_the_end_of_task_and_assignment) {
  auto& state = task(2);
  book.replied(open(state), answer(), 10);
  book.flush(11);
  EXPECT_TRUE(notes.all.empty()) << "young batches wait";
  book.refused(open(state), {.kind = RefusalKind::kReset, .icmp_type = 0, .icmp_code = 0, .from = {}}, 20);
  EXPECT_EQ(book.take_finished(), std::vector<TaskState*>{&state});
  book.flush(21);
  ASSERT_EQ(notes.all.size(), 2U);
  EXPECT_EQ(notes.all[0].responder, 9U);
  EXPECT_EQ(notes.all[1].refusal.kind, RefusalKind::kReset);
  EXPECT_EQ(notes.tasks, std::vector<std::uint32_t>{1});
  EXPECT_EQ(notes.assignments, std::vector<std::uint64_t>{5});
}

TEST_F(BookTest, a_batch_that_is_old_leaves) {
  auto& state = task(2);
  book.replied(open(state), answer(), 10);
  book.flush(1010);
  EXPECT_EQ(notes.all.size(), 1U);
  EXPECT_TRUE(notes.tasks.empty());
}

TEST_F(BookTest, batches_stay_within_their_size) {
  auto& state = task(11);
  for (int i = 0; i < 11; ++i) book.replied(open(state), answer(), 10);
  book.flush(11);
  EXPECT_EQ(notes.all.size(), 11U);
  EXPECT_EQ(notes.largest, 4U);
}

// Time-outs here are 1 ms: quiet after a quarter of it.
TEST_F(BookTest, an_assignment_is_quiet_when_nothing_ever_came_back_and_the_last_probe_has_waited) {
  auto& silent = task(1);
  open(silent, 0);
  book.sent_all(silent);
  book.notice_quiet(249'999);
  EXPECT_TRUE(notes.quiet.empty());
  EXPECT_EQ(book.next_ns(), 250'000);
  book.notice_quiet(250'000);
  EXPECT_EQ(notes.quiet, std::vector<std::uint64_t>{5});
  book.expire(1'000'001);
  book.flush(1'000'001);
  EXPECT_EQ(notes.all.size(), 1U) << "its deadline is what it was";
  EXPECT_EQ(notes.quiet.size(), 1U) << "told once";
  EXPECT_EQ(notes.assignments, std::vector<std::uint64_t>{5});
}

// The kernel would repeat its SYN into whatever comes next.
TEST_F(BookTest, a_quiet_tasks_tcp_sockets_are_closed_and_its_probes_still_run_out_of_time) {
  auto& silent = task(1);
  silent.spec.method = Method::kTcpSocket;
  const int fd = ::dup(STDERR_FILENO);
  open(silent, 0).fd = fd;
  book.sent_all(silent);
  book.notice_quiet(250'000);
  EXPECT_EQ(notes.quiet.size(), 1U);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1) << "closed";
  book.expire(999'999);
  EXPECT_TRUE(book.take_finished().empty());
  book.expire(1'000'001);
  EXPECT_EQ(book.take_finished().size(), 1U);
}

TEST_F(BookTest, something_that_accepts_and_says_nothing_is_waited_for) {
  auto& silent = task(1);
  silent.spec.method = Method::kTcpSocket;
  auto& flight = open(silent, 0);
  flight.fd = ::dup(STDERR_FILENO);
  flight.connected = true;
  book.sent_all(silent);
  book.notice_quiet(250'000);
  EXPECT_TRUE(notes.quiet.empty());
}

TEST_F(BookTest, an_assignment_is_not_quiet_while_a_task_that_is_answered_is_open) {
  assignment = std::make_shared<AssignmentState>(5, 2);
  auto& silent = task(1);
  auto& answering = task(2);
  open(silent, 0);
  book.sent_all(silent);
  book.replied(open(answering), answer(), 10);
  auto& last = open(answering);
  book.sent_all(answering);
  book.notice_quiet(900'000);
  EXPECT_TRUE(notes.quiet.empty());
  book.replied(last, answer(), 900'010);
  book.flush(900'011);
  book.flush(900'010 + 1000);
  EXPECT_EQ(notes.quiet, std::vector<std::uint64_t>{5}) << "its end leaves only the silent one";
}

TEST_F(BookTest, silence_is_a_time_out_at_the_deadline_and_not_before) {
  open(task(1), 0);
  book.expire(999'999);
  EXPECT_EQ(book.in_flight(), 1U);
  book.expire(1'000'000);
  book.flush(1'000'001);
  ASSERT_EQ(notes.all.size(), 1U);
  EXPECT_EQ(notes.all[0].outcome, Outcome::kTimedOut);
  EXPECT_EQ(notes.all[0].error, "");
}

TEST_F(BookTest, an_answered_probe_does_not_expire_as_well) {
  book.replied(open(task(1), 0), answer(), 10);
  book.expire(5'000'000);
  book.flush(5'000'000);
  EXPECT_EQ(notes.all.size(), 1U);
}

TEST_F(BookTest, a_stranger_that_accepts_leaves_a_note_on_the_time_out) {
  book.unidentified(open(task(1), 0));
  book.expire(1'000'000);
  book.flush(1'000'001);
  EXPECT_EQ(notes.all.at(0).outcome, Outcome::kTimedOut);
  EXPECT_NE(notes.all.at(0).error, "");
}

TEST_F(BookTest, only_consecutive_wanted_replies_are_enough) {
  auto& state = task(100);
  state.spec.until_responders = {9};
  state.spec.until_count = 2;
  for (const auto responder : {9U, 8U, 9U}) book.replied(open(state), answer(responder), 1);
  EXPECT_FALSE(state.enough);
  open(state);  // still in flight when the task has seen enough
  book.replied(open(state), answer(), 4);
  EXPECT_TRUE(state.finished());
  book.flush(5);
  EXPECT_EQ(notes.all.size(), 4U);
  EXPECT_EQ(notes.tasks.size(), 1U);
  EXPECT_EQ(losses.snapshot(), (std::vector<LossCounter>{{"withdrawn-probe", 1}}));
}

TEST_F(BookTest, a_task_may_wait_for_refusals_or_silence_as_well) {
  auto& refused = task(9);
  refused.spec.until_count = 2;
  refused.spec.until_refused = true;
  const Refusal reset{.kind = RefusalKind::kReset, .icmp_type = 0, .icmp_code = 0, .from = {}};
  book.refused(open(refused), reset, 1);
  book.replied(open(refused), answer(), 2);
  book.refused(open(refused), reset, 3);
  EXPECT_FALSE(refused.enough);
  book.refused(open(refused), reset, 4);
  EXPECT_TRUE(refused.enough);
  auto& silent = task(9);
  silent.spec.until_count = 2;
  silent.spec.until_timed_out = true;
  open(silent, 10);
  open(silent, 11);
  book.expire(1'000'100);
  EXPECT_TRUE(silent.enough);
}

TEST_F(BookTest, stray_answers_are_told_apart) {
  auto& state = task(3);
  book.replied(open(state, 0), answer(), 1);
  open(state, 0);
  book.expire(2'000'000);
  for (const std::uint32_t sequence : {0U, 1U, 77U}) book.stray_answer(probe_id(1, sequence), 0);
  EXPECT_EQ(losses.snapshot(),
            (std::vector<LossCounter>{{"duplicate-answer", 1}, {"late-answer", 1}, {"unknown-answer", 1}}));
}

TEST_F(BookTest, has_room_only_within_its_window) {
  auto& state = task(100);
  for (int i = 0; i < 16; ++i) open(state, 0);
  EXPECT_EQ(book.room(0), 0U);
  book.replied(*book.find(probe_id(1, 3)), answer(), 1);
  EXPECT_EQ(book.room(1), 1U);
}

TEST_F(BookTest, who_falls_silent_no_longer_holds_up_others_answers) {
  constexpr std::int64_t kMs = 1'000'000;
  auto& state = task(100);
  book.replied(open(state), answer(), 1);
  for (std::uint32_t i = 0; i < kSilentAfter; ++i) EXPECT_TRUE(open(state, 2).awaited) << "it answered";
  book.expire(10 * kMs);
  EXPECT_FALSE(open(state, 11 * kMs).awaited) << "so many in a row were not answered";
  book.replied(open(state, 12 * kMs), answer(), 13 * kMs);
  EXPECT_TRUE(open(state, 14 * kMs).awaited) << "it is back";
}

TEST_F(BookTest, silence_while_answers_come_late_proves_nothing) {
  constexpr std::int64_t kMs = 1'000'000;
  auto& state = task(100);
  book.replied(open(state), answer(), 1);
  const auto late = open(state, 2).id;
  book.expire(2 * kMs);
  book.stray_answer(late, 2 * kMs);
  for (std::uint32_t i = 0; i < kSilentAfter; ++i) open(state, 3 * kMs);
  book.expire(10 * kMs);
  EXPECT_TRUE(open(state, 11 * kMs).awaited);
}

TEST(RefuseTask, gives_every_probe_its_reason) {
  Notes notes;
  const auto assignment = std::make_shared<AssignmentState>(3, 1);
  ProbeTask task;
  task.id = 4;
  task.count = 10;
  refuse_task(notes, assignment, task, "no such place", 1, 4);
  ASSERT_EQ(notes.all.size(), 10U);
  EXPECT_EQ(notes.largest, 4U);
  EXPECT_EQ(notes.all[9].id, probe_id(4, 9));
  EXPECT_EQ(notes.all[9].error, "no such place");
  EXPECT_EQ(notes.assignments, std::vector<std::uint64_t>{3});
}

}  // namespace
}  // namespace conntruth::probe
