// Whose turn it is and when: budget, turns, deadlines, ports.
#include <gtest/gtest.h>

#include <set>

#include "agent/probe/answer_window.hpp"
#include "agent/probe/budget.hpp"
#include "agent/probe/deadlines.hpp"
#include "agent/probe/ports.hpp"
#include "agent/probe/turn_queue.hpp"

namespace conntruth::probe {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMillisecond = 1'000'000;

TEST(Budget, grants_its_rate_and_no_more) {
  Budget budget(1000);
  std::uint64_t granted = 0;
  for (std::int64_t now = kSecond; now < 2 * kSecond; now += kMillisecond / 10) granted += budget.take(64, now);
  EXPECT_GE(granted, 999U);
  EXPECT_LE(granted, 1011U);  // and one burst of 10 ms
}

TEST(Budget, saves_up_no_more_than_a_burst) {
  Budget budget(100'000);
  EXPECT_EQ(budget.take(1'000'000, 100 * kSecond), 1000U);
  EXPECT_EQ(budget.take(1, 100 * kSecond), 0U);
}

TEST(Budget, takes_back_what_was_not_used) {
  Budget budget(100'000);
  ASSERT_EQ(budget.take(1000, kSecond), 1000U);
  budget.give_back(10);
  EXPECT_EQ(budget.take(1000, kSecond), 10U);
}

TEST(Budget, says_when_the_next_may_go) {
  Budget budget(10);
  ASSERT_EQ(budget.take(1, kSecond), 1U);
  ASSERT_EQ(budget.take(1, kSecond), 0U);
  const auto next = budget.next_ns();
  EXPECT_EQ(budget.take(1, next - 1), 0U);
  EXPECT_EQ(budget.take(1, next), 1U);
}

TEST(TurnQueue, ready_items_take_turns) {
  TurnQueue<int> turns;
  for (const int item : {1, 2, 3}) turns.add(item, 0, 10);
  for (const int expected : {1, 2, 3, 1, 2, 3}) {
    ASSERT_GT(turns.ready(10), 0U);
    const auto item = turns.take();
    EXPECT_EQ(item, expected);
    turns.add(item, 0, 10);
  }
}

TEST(TurnQueue, an_item_waits_until_it_is_due) {
  TurnQueue<int> turns;
  turns.add(1, 200, 0);
  turns.add(2, 100, 0);
  EXPECT_EQ(turns.ready(99), 0U);
  EXPECT_EQ(turns.next_due_ns(), 100);
  EXPECT_EQ(turns.ready(150), 1U);
  EXPECT_EQ(turns.take(), 2);
  EXPECT_EQ(turns.next_due_ns(), 200);
}

TEST(TurnQueue, a_due_item_does_not_queue_behind_hundreds) {
  TurnQueue<int> turns;
  for (int item = 0; item < 300; ++item) turns.add(item, 0, 0);
  turns.add(1000, 50, 0);
  ASSERT_EQ(turns.ready(50), 301U);
  const auto first = turns.take();
  const auto second = turns.take();
  EXPECT_TRUE(first == 1000 || second == 1000);
}

TEST(TurnQueue, due_items_leave_half_of_the_turns_to_others) {
  TurnQueue<int> turns;
  turns.add(1, 0, 0);
  for (int item = 100; item < 110; ++item) turns.add(item, 50, 0);
  ASSERT_EQ(turns.ready(50), 11U);
  const auto first = turns.take();
  const auto second = turns.take();
  EXPECT_TRUE(first == 1 || second == 1);
}

TEST(TurnQueue, a_removed_item_has_no_turn) {
  TurnQueue<int> turns;
  turns.add(1, 0, 0);
  turns.add(2, 100, 0);
  turns.add(3, 50, 0);
  turns.remove(1);
  turns.remove(3);
  EXPECT_EQ(turns.ready(99), 0U);
  EXPECT_EQ(turns.next_due_ns(), 100);
}

TEST(Deadlines, come_by_their_time_over_different_timeouts) {
  Deadlines deadlines;
  deadlines.add(1, 0, 100);
  deadlines.add(2, 10, 20);
  deadlines.add(3, 20, 100);
  EXPECT_EQ(deadlines.next_ns(), 30);
  EXPECT_EQ(deadlines.take(29), std::nullopt);
  EXPECT_EQ(deadlines.take(30), 2U);
  EXPECT_EQ(deadlines.take(100), 1U);
  EXPECT_EQ(deadlines.take(100), std::nullopt);
  EXPECT_EQ(deadlines.next_ns(), 120);
}

TEST(RecentFlights, forgets_flights_that_have_grown_old) {
  constexpr std::int64_t kTick = 10'000'000;
  RecentFlights young(kTick);
  young.opened(kTick);
  young.opened(2 * kTick);
  EXPECT_EQ(young.count(2 * kTick), 2U);
  EXPECT_EQ(young.count(3 * kTick), 1U);
  young.closed(kTick);
  EXPECT_EQ(young.count(3 * kTick), 1U) << "the old one no longer counts";
  young.closed(2 * kTick);
  EXPECT_EQ(young.count(3 * kTick), 0U);
}

TEST(AnswerWindow, grows_while_answers_are_prompt) {
  AnswerWindow window;
  for (int i = 0; i < 20'000; ++i) window.answered(0, 1'000'000);
  EXPECT_EQ(window.size(), AnswerWindow::kMost);
}

TEST(AnswerWindow, stays_within_its_share) {
  AnswerWindow window(20);
  EXPECT_EQ(window.size(), 20U);
  for (int answer = 0; answer < 1000; ++answer) window.answered(0, 1000);
  EXPECT_EQ(window.size(), 20U);
}

TEST(AnswerWindow, is_halved_once_for_one_queue) {
  AnswerWindow window;
  window.answered(0, 1'000'000);
  const auto late = 2 * AnswerWindow::kSlackNs;
  for (int i = 0; i < 10; ++i) window.answered(i, late + i);
  EXPECT_EQ(window.size(), AnswerWindow::kFirst / 2) << "all of them were sent before the cut";
  window.answered(late + 20, 2 * late + 20);
  EXPECT_EQ(window.size(), AnswerWindow::kFirst / 4);
}

TEST(AnswerWindow, a_slow_network_is_no_queue) {
  AnswerWindow window;
  for (int i = 0; i < 1000; ++i) window.answered(i, i + 4 * AnswerWindow::kSlackNs);
  EXPECT_GT(window.size(), AnswerWindow::kFirst);
}

TEST(AnswerWindow, never_closes) {
  AnswerWindow window;
  window.answered(0, 1'000'000);
  window.late(1);
  EXPECT_EQ(window.size(), AnswerWindow::kLeast);
  for (int i = 1; i < 10; ++i) window.answered(i * kSecond, (i + 1) * kSecond - i);
  EXPECT_EQ(window.size(), AnswerWindow::kLeast);
}

TEST(PortWalk, visits_the_whole_range_before_it_repeats) {
  constexpr auto kFirst = kCraftedPorts.first + kCraftedPorts.count - 5;
  PortWalk walk(kCraftedPorts, kFirst);
  std::set<std::uint16_t> seen;
  for (unsigned i = 0; i < kCraftedPorts.count; ++i) seen.insert(walk.next());
  EXPECT_EQ(seen.size(), kCraftedPorts.count);
  EXPECT_EQ(*seen.begin(), 10000);
  EXPECT_EQ(*seen.rbegin(), 29999);
  EXPECT_EQ(walk.next(), kFirst);
}

TEST(PortWalk, starts_elsewhere_a_second_later) {
  EXPECT_EQ(first_port_at(0, kCraftedPorts), 10000);
  EXPECT_EQ(first_port_at(kSecond, kCraftedPorts), 10500);
  EXPECT_EQ(first_port_at(40 * kSecond, kCraftedPorts), 10000);
}

TEST(PortWalks, share_few_starts_where_ports_cost_something) {
  PortWalks few(kCraftedPorts, 0, 2);
  PortWalks many(kCraftedPorts, 0);
  std::set<std::uint16_t> shared;
  std::set<std::uint16_t> own;
  for (std::uint8_t last = 1; last <= 100; ++last) {
    const SocketAddress target{IpAddress::v4({10, 96, 0, last}), 80};
    shared.insert(few.of({}, target).next());
    own.insert(many.of({}, target).next());
  }
  EXPECT_EQ(shared, (std::set<std::uint16_t>{10000, 10400}));
  EXPECT_GT(own.size(), 90U);
}

TEST(PortWalks, a_source_and_target_go_on_where_they_were) {
  PortWalks walks(kCraftedPorts, 0, 2);
  const SocketAddress target{IpAddress::v4({10, 96, 0, 1}), 80};
  const auto first = walks.of({}, target).next();
  EXPECT_EQ(walks.of({}, target).next(), first + 1);
}

}  // namespace
}  // namespace conntruth::probe
