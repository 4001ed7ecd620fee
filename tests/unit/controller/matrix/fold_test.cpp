#include "controller/matrix/fold.hpp"

#include <gtest/gtest.h>

#include "tests/support/judging.hpp"

namespace conntruth::matrix {
namespace {

using testing::Bench;
using testing::ip;
using testing::node_ip;
using testing::pod_ip;

const CellObservation& only_cell(const Observations& observations) { return observations.stages.at(0).cells.at(0); }

TEST(Fold, counts_outcomes_methods_and_responders) {
  Bench bench;
  const auto task = bench.cell({.count = 10});
  bench.answer(task, 0, 4, {2, 3});
  bench.timed_out(task, 4);
  bench.refused(task, 5, node_ip(1));
  bench.refused(task, 6, node_ip(1));
  bench.tool_error(task, 7, "sendto: operation not permitted");
  const auto observations = bench.folded();
  const auto& cell = only_cell(observations);
  EXPECT_EQ(cell.planned, 10U);
  EXPECT_EQ(cell.received, 8U);
  EXPECT_EQ(cell.missing, 2U);
  EXPECT_EQ(cell.outcomes, (OutcomeCounts{4, 2, 1, 1}));
  EXPECT_EQ(cell.methods, (std::vector<MethodCounts>{{Method::kTcpSocket, {4, 2, 1, 1}}}));
  EXPECT_EQ(cell.responders, (std::vector<ResponderCount>{{2, true, 2, 0}, {3, true, 2, 0}}));
  EXPECT_EQ(cell.refusals, (std::vector<RefusalCount>{{{RefusalKind::kIcmp, 3, 3, node_ip(1)}, 2}}));
  EXPECT_EQ(cell.first_error, "sendto: operation not permitted");
  EXPECT_EQ(cell.round_trip.count(), 4U);
}

TEST(Fold, tells_a_lost_reply_from_a_request_that_never_arrived) {
  Bench bench;
  const auto task = bench.cell({.count = 5});
  for (std::uint32_t i = 0; i < 5; ++i) bench.timed_out(task, i);
  bench.sight(task, 1, 2);
  bench.sight(task, 3, 1);
  const auto observations = bench.folded();
  const auto& cell = only_cell(observations);
  EXPECT_EQ(cell.arrived_silent, 2U);
  EXPECT_EQ(cell.arrived_at, (std::vector<ResponderCount>{{1, false, 1, 0}, {2, true, 1, 0}}));
}

TEST(Fold, keeps_wrong_sources_by_address_up_to_a_bound) {
  Bench bench;
  const auto task = bench.cell({.count = 100});
  for (std::uint32_t i = 0; i < 100; ++i) {
    bench.replied(task, i, 2, ip("192.168.0." + std::to_string(i % 20)));
  }
  const auto observations = bench.folded();
  const auto& cell = only_cell(observations);
  EXPECT_EQ(cell.count(SampleKind::kWrongSource), 100U);
  EXPECT_EQ(cell.wrong_sources.size(), kMaxListed);
  EXPECT_EQ(cell.sources_beyond, 2 * 4 * 5U);  // four addresses do not fit, five samples each, in both lists
  EXPECT_EQ(cell.examples[static_cast<std::size_t>(SampleKind::kWrongSource)],
            (std::vector<ProbeId>{probe_id(task, 0), probe_id(task, 1), probe_id(task, 2)}));
}

TEST(Fold, a_pod_that_reaches_itself_must_not_see_its_own_address) {
  Bench bench;
  const auto task = bench.cell({.client = 1, .endpoints = {1, 2}, .count = 3});
  bench.replied(task, 0, 1, node_ip(1));  // itself, rewritten
  bench.replied(task, 1, 1, pod_ip(1));   // itself, not rewritten
  bench.replied(task, 2, 2, pod_ip(1));   // another one, kept
  const auto observations = bench.folded();
  EXPECT_EQ(only_cell(observations).count(SampleKind::kWrongSource), 1U);
  EXPECT_EQ(only_cell(observations).wrong_sources, (std::vector<SourceCount>{{pod_ip(1), 1}}));
}

TEST(Fold, tells_probes_of_one_fixed_flow_from_flows_of_their_own) {
  Bench bench;
  const auto task = bench.cell({.count = 4, .source_port = 40000});
  bench.answer(task, 0, 4, {2});
  EXPECT_EQ(only_cell(bench.folded()).responders, (std::vector<ResponderCount>{{2, true, 0, 4}}));
}

TEST(Fold, a_task_that_stopped_early_misses_nothing) {
  Bench bench;
  const auto task = bench.cell({.count = 100});
  bench.plan.stages[0].tasks[0].task.until_responders = {2};
  bench.plan.stages[0].tasks[0].task.until_count = 3;
  bench.timed_out(task, 0);
  bench.answer(task, 1, 3, {2});
  EXPECT_EQ(only_cell(bench.folded()).missing, 97U);  // two right answers do not stop it
  bench.answer(task, 3, 4, {2});
  EXPECT_EQ(only_cell(bench.folded()).missing, 0U);
}

TEST(Fold, follow_time_is_the_first_right_answer_after_publishing) {
  Bench bench;  // published at 1 s
  const auto task = bench.cell({.endpoints = {2}, .rule = plan::CellRule::kFollow, .count = 6});
  bench.replied(task, 0, 3, pod_ip(1), 999'000'000);  // the old endpoint, before
  bench.timed_out(task, 1, 1'002'000'000);
  bench.replied(task, 2, 3, pod_ip(1), 1'004'000'000);  // still the old one
  bench.replied(task, 4, 2, pod_ip(1), 1'008'000'000);
  bench.replied(task, 3, 2, pod_ip(1), 1'006'000'000);
  const auto observations = bench.folded();
  const auto& follow = only_cell(observations).follow;
  EXPECT_EQ(follow.first_right_ns, 6'100'000);
  EXPECT_EQ(follow.last_wrong_ns, 4'000'000);
  EXPECT_EQ(follow.right_before, 0U);
}

TEST(Fold, sets_aside_what_a_change_may_still_show_and_nothing_later) {
  Bench bench;
  const auto task = bench.cell({.count = 4, .source_port = 20'000});
  bench.plan.stages[0].cells[0].settle = std::chrono::milliseconds(500);
  const auto published = bench.facts.stages[0].published_ns;
  bench.replied(task, 0, 1, pod_ip(1), published + 100'000'000);
  bench.replied(task, 1, 2, pod_ip(1), published + 200'000'000);
  bench.replied(task, 2, 1, pod_ip(1), published + 500'000'000);
  bench.replied(task, 3, 2, pod_ip(1), published + 600'000'000);
  const auto observations = bench.folded();
  const auto& cell = only_cell(observations);
  EXPECT_EQ(cell.settling, 1U);
  EXPECT_EQ(cell.received, 3U);
  EXPECT_EQ(cell.missing, 0U);
  EXPECT_EQ(cell.count(SampleKind::kAcceptable), 2U);
  EXPECT_EQ(cell.count(SampleKind::kWrongEndpoint), 1U) << "the change has had its time";
}

TEST(Fold, sees_a_right_answer_before_the_change) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}, .rule = plan::CellRule::kFollow, .count = 1});
  bench.replied(task, 0, 2, pod_ip(1), 900'000'000);
  const auto observations = bench.folded();
  EXPECT_EQ(only_cell(observations).follow.right_before, 1U);
  EXPECT_FALSE(only_cell(observations).follow.first_right_ns);
}

TEST(Fold, controls_count_the_right_responder_only) {
  Bench bench;
  bench.cell({.count = 1});
  bench.control(true, 5, 1);
  bench.control(false, 5, 0, 2);
  bench.control(true, 1);
  bench.samples.back().responder = 3;
  const auto observations = bench.folded();
  const auto& controls = observations.stages[0].controls;
  EXPECT_EQ(controls[0].right, 4U);
  EXPECT_EQ(controls[1].right, 3U);
  EXPECT_EQ(controls[1].received, 3U);
  EXPECT_EQ(controls[2].right, 0U);
}

}  // namespace
}  // namespace conntruth::matrix
