// What a rollout's flows say: how many were lost, and for how long they reached what had gone.
#include <gtest/gtest.h>

#include "tests/unit/controller/judge/verdict_of.hpp"

namespace conntruth::judge {
namespace {

using testing::Bench;
using testing::pod_ip;

constexpr std::int64_t kStart = 1'000'000'000;

// Ten flows 20 ms apart; those of `bad` were lost.
Bench rolling(const std::set<std::uint32_t>& bad) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2, 3}, .rule = plan::CellRule::kGap, .count = 10});
  for (std::uint32_t i = 0; i < 10; ++i) {
    const auto sent = kStart + static_cast<std::int64_t>(i) * 20'000'000;
    if (bad.contains(i)) {
      bench.timed_out(task, i, sent);
    } else {
      bench.replied(task, i, 2, pod_ip(1), sent);  // shares do not count
    }
  }
  return bench;
}

TEST(Rollout, passes_where_not_one_flow_was_lost) { EXPECT_EQ(verdict_of(rolling({})).verdict, Verdict::kPass); }

TEST(Rollout, tells_how_many_flows_were_lost_and_when_the_first_and_the_last_one) {
  expect(rolling({3, 4, 7}), Verdict::kFail, ReasonCode::kGap,
         "3 of 10 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were lost or "
         "answered wrongly (no answer 3, refused 0, wrong endpoint 0, wrong source 0), the first one opened 60.000 ms "
         "and the last one 140.000 ms after the rollout began");
}

// The endpoint on node 2 was taken away at kStart; a flow reached it so many milliseconds later.
Bench leaving(std::int64_t last_ms) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {3}, .rule = plan::CellRule::kLeave, .count = 3});
  auto& cell = bench.plan.stages[0].cells[0];
  cell.follow_bound = std::chrono::milliseconds(100);
  cell.changed_ns = kStart;
  bench.replied(task, 0, 2, pod_ip(1), kStart - 50'000'000);
  bench.replied(task, 1, 2, pod_ip(1), kStart + last_ms * 1'000'000);
  bench.replied(task, 2, 3, pod_ip(1), kStart + 900'000'000);
  return bench;
}

TEST(Rollout, flows_may_reach_what_was_taken_away_until_the_bound) {
  EXPECT_EQ(verdict_of(leaving(99)).verdict, Verdict::kPass);
  EXPECT_EQ(verdict_of(leaving(-1)).verdict, Verdict::kPass);
  expect(leaving(250), Verdict::kFail, ReasonCode::kLeftLate,
         "the last flow from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) that reached an endpoint "
         "which was taken away was opened 250.000 ms after the change; the bound is 100.000 ms");
}

TEST(Rollout, a_node_that_follows_before_we_have_heard_of_the_change_has_followed_at_once) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}, .rule = plan::CellRule::kFollow, .count = 1});
  bench.plan.stages[0].cells[0].changed_ns = kStart;
  bench.replied(task, 0, 2, pod_ip(1), kStart - 5'000'000);
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass);
  bench.plan.stages[0].cells[0].changed_ns = 0;
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kNothingToFollow);
}

TEST(Rollout, cells_of_a_world_that_changed_by_itself_say_nothing) {
  auto bench = rolling({});
  bench.facts.stages[0].unsettled = "the EndpointSlices of web are no longer as they were read";
  expect(bench, Verdict::kInvalid, ReasonCode::kWorldChanged,
         "the world changed by itself while it was probed: the EndpointSlices of web are no longer as they were read");
}

}  // namespace
}  // namespace conntruth::judge
