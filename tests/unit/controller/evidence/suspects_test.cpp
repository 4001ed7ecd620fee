// From samples of a stage to suspects, and from them to witnesses.
#include "controller/evidence/suspects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/evidence/witnesses.hpp"
#include "tests/unit/controller/evidence/stage.hpp"

namespace conntruth::evidence {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<Suspect> suspects_of(const plan::Plan& plan, const std::vector<ResultBatch>& batches) {
  Suspects suspects(plan);
  suspects.begin(plan.stages[0]);
  for (const auto& each : batches) suspects.take(each);
  return suspects.all();
}

TEST(Suspects, a_stage_that_went_well_has_none) {
  const auto plan = one_cell();
  EXPECT_THAT(suspects_of(plan, {batch(0, 100, Outcome::kReplied)}), IsEmpty());
}

TEST(Suspects, one_flow_that_failed_makes_its_cell_one) {
  const auto plan = one_cell();
  const auto found = suspects_of(plan, {batch(0, 99, Outcome::kReplied), batch(99, 1, Outcome::kRefused)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].task, kTask);
  EXPECT_EQ(found[0].wrong, 1U);
  EXPECT_EQ(found[0].probes, 100U);
}

TEST(Suspects, crafted_packets_go_before_those_of_sockets) {
  auto plan = one_cell();
  auto socket = plan.stages[0].tasks[0];
  socket.task.id = kTask + 1;
  socket.task.method = Method::kTcpSocket;
  plan.stages[0].tasks.push_back(socket);
  plan.stages[0].cells[0].tasks = {kTask, kTask + 1};
  auto found = suspects_of(plan, {batch(0, 99, Outcome::kReplied), batch(99, 1, Outcome::kRefused)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].task, kTask);
  found = suspects_of(plan, {batch(0, 100, Outcome::kReplied)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].task, kTask + 1);
}

TEST(Suspects, silence_counts_before_its_deadline_where_an_answer_is_due) {
  auto plan = one_cell();
  const auto found = suspects_of(plan, {});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].wrong, 100U);
  plan.stages[0].cells[0].expectation.outcomes = {.replied = false, .refused = false, .timed_out = true};
  EXPECT_THAT(suspects_of(plan, {}), IsEmpty());
}

TEST(Suspects, a_flow_that_ends_when_it_is_right_has_no_silence) {
  auto plan = one_cell();
  plan.stages[0].tasks[0].task.until_count = 11;
  EXPECT_THAT(suspects_of(plan, {batch(0, 11, Outcome::kReplied)}), IsEmpty());
  EXPECT_THAT(suspects_of(plan, {}), SizeIs(1));
}

TEST(Suspects, a_flow_from_before_the_change_may_take_its_time) {
  auto plan = one_cell();
  plan.stages[0].cells[0].settle = std::chrono::milliseconds(5);
  Suspects suspects(plan);
  suspects.begin(plan.stages[0]);
  suspects.published(1000);
  auto early = batch(0, 100, Outcome::kTimedOut);
  for (auto& each : early.samples) each.sent_ns = 2000;
  suspects.take(early);
  EXPECT_THAT(suspects.all(), IsEmpty());
}

TEST(Suspects, what_is_only_recorded_or_cannot_be_sent_again_is_none) {
  auto plan = one_cell();
  plan.stages[0].cells[0].expectation.scored = false;
  EXPECT_THAT(suspects_of(plan, {}), IsEmpty());
  plan = one_cell();
  plan.stages[0].cells[0].rule = plan::CellRule::kGap;
  EXPECT_THAT(suspects_of(plan, {}), IsEmpty());
}

ResultBatch answers(std::uint32_t first, std::uint32_t count, std::uint32_t responder) {
  auto result = batch(first, count, Outcome::kReplied);
  for (auto& each : result.samples) each.responder = responder;
  return result;
}

TEST(Suspects, an_endpoint_that_gets_nothing_makes_its_cell_one_and_an_even_spread_does_not) {
  const auto plan = two_endpoints();
  const auto found = suspects_of(plan, {answers(0, 100, kResponder)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].about, Question::kChoice);
  EXPECT_EQ(found[0].task, kTask);
  EXPECT_THAT(suspects_of(plan, {answers(0, 50, kResponder), answers(50, 50, kResponder + 1)}), IsEmpty());
}

TEST(Suspects, with_session_affinity_two_endpoints_are_one_too_many_and_when_it_has_ended_one_is_one_too_few) {
  auto plan = two_endpoints();
  auto& cell = plan.stages[0].cells[0];
  const auto both = std::vector{answers(0, 99, kResponder), answers(99, 1, kResponder + 1)};
  const auto one = std::vector{answers(0, 100, kResponder)};
  cell.expectation.spread = Spread::kSticky;
  EXPECT_THAT(suspects_of(plan, both), SizeIs(1));
  EXPECT_THAT(suspects_of(plan, one), IsEmpty());
  cell.rule = plan::CellRule::kRotate;
  EXPECT_THAT(suspects_of(plan, both), IsEmpty());
  EXPECT_THAT(suspects_of(plan, one), SizeIs(1));
}

TEST(Suspects, what_fails_goes_before_what_is_chosen) {
  const auto plan = two_endpoints();
  const auto found = suspects_of(plan, {answers(0, 99, kResponder), batch(99, 1, Outcome::kTimedOut)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].about, Question::kFailure);
}

ResultBatch said(std::uint32_t first, std::uint32_t count, std::uint16_t status) {
  auto result = batch(first, count, Outcome::kReplied);
  for (auto& each : result.samples) {
    each.responder = 0;
    each.http = HttpAnswer{status, status == 200 ? 1U : 0U, ""};
  }
  return result;
}

TEST(Suspects, a_server_may_tell_the_state_of_before_until_it_tells_the_right_one) {
  const auto plan = http_cell();
  EXPECT_THAT(suspects_of(plan, {said(0, 3, 503), said(3, 97, 200)}), IsEmpty());
  EXPECT_THAT(suspects_of(plan, {said(0, 100, 503)}), SizeIs(1));
  const auto found = suspects_of(plan, {said(0, 3, 200), said(3, 97, 503)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].wrong, 97U);
}

TEST(Witnesses, of_what_was_asked_over_http_are_syns_to_the_same_server) {
  const auto plan = http_cell();
  const auto task = summon(plan.stages[0], {{0, kTask, 100, 100}}, 8).tasks[0].task;
  EXPECT_EQ(task.method, Method::kTcpSyn);
  EXPECT_TRUE(task.foreign);
  EXPECT_EQ(task.path, "");
  EXPECT_EQ(task.target, kEntry);
}

TEST(Witnesses, of_a_kept_connection_are_as_many_requests_on_one_of_their_own) {
  auto plan = one_cell();
  auto& task = plan.stages[0].tasks[0].task;
  task.method = Method::kTcpSocket;
  task.connection = 3;
  task.count = 16;
  task.interval = std::chrono::milliseconds(50);
  plan.stages[0].cells[0].earlier = {3, 5};
  const auto again = summon(plan.stages[0], {{0, kTask, 1, 16}}, 8).tasks[0].task;
  EXPECT_EQ(again.connection, 8U);
  EXPECT_EQ(again.count, 48U);
  EXPECT_LE(again.interval * again.count, std::chrono::seconds(2));
}

TEST(Witnesses, are_the_same_flow_under_a_task_of_their_own) {
  const auto plan = one_cell();
  const auto summons = summon(plan.stages[0], {{0, kTask, 100, 100}}, last_task(plan) + 1);
  ASSERT_THAT(summons.tasks, SizeIs(1));
  EXPECT_EQ(summons.tasks[0].agent, "node-1");
  EXPECT_EQ(summons.tasks[0].task.id, kTask + 1);
  EXPECT_EQ(summons.tasks[0].task.target, kEntry);
  EXPECT_EQ(summons.tasks[0].task.count, 5U);
  EXPECT_THAT(summons.witnesses, ElementsAre(Witness{kTask + 1, kTask, replied_cell().id, 100, 100}));
}

TEST(Witnesses, of_a_flow_that_began_earlier_have_new_flows_beside_them) {
  auto plan = one_cell();
  plan.stages[0].tasks[0].task.source_port = 40000;
  const auto summons = summon(plan.stages[0], {{0, kTask, 100, 100}}, 8);
  EXPECT_EQ(summons.cells, 1U);
  ASSERT_THAT(summons.tasks, SizeIs(2));
  EXPECT_EQ(summons.tasks[0].task.source_port, 40000);
  EXPECT_EQ(summons.tasks[1].task.source_port, 0);
  EXPECT_EQ(summons.tasks[1].task.id, 9U);
  EXPECT_EQ(summons.tasks[1].task.target, kEntry);
  EXPECT_EQ(summons.witnesses[1].about, Question::kNewFlow);
  const auto read = read_witnesses(to_json(summons.witnesses));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, summons.witnesses);
}

TEST(Witnesses, are_the_more_the_rarer_the_failure_was) {
  const auto plan = one_cell();
  const auto probes = [&](std::uint64_t wrong) {
    return summon(plan.stages[0], {{0, kTask, wrong, 100}}, 8).tasks[0].task.count;
  };
  EXPECT_EQ(probes(50), 10U);
  EXPECT_EQ(probes(10), 50U);
  EXPECT_EQ(probes(1), kMostWitnessProbes);
}

TEST(Witnesses, of_many_cells_take_their_time) {
  const auto plan = one_cell();
  EXPECT_EQ(summon(plan.stages[0], {{0, kTask, 100, 100}}, 8).tasks[0].task.interval.count(), 1000);
  const std::vector<Suspect> many(200, {0, kTask, 1, 100});
  const auto task = summon(plan.stages[0], many, 8).tasks[0].task;
  EXPECT_EQ(task.interval * task.count, std::chrono::seconds(4));
}

TEST(Witnesses, are_kept_as_json_and_nothing_else_is_read_as_such) {
  const std::vector<Witness> witnesses{{8, 7, "a/b", 3, 100}, {9, 7, "a/c", 0, 1, Question::kChoice}};
  EXPECT_EQ(*read_witnesses(to_json(witnesses)), witnesses);
  const auto older = read_witnesses(R"([{"task":8,"of":7,"cell":"a/b","wrong":3,"probes":100}])");
  ASSERT_TRUE(older);
  EXPECT_EQ(older->front(), witnesses.front());
  for (const auto* bad : {"", "{}x", "[{}]", R"([{"task":-1}])", "7",
                          R"([{"task":8,"of":7,"cell":"a","wrong":3,"probes":1,"about":"taste"}])"})
    EXPECT_FALSE(read_witnesses(bad)) << bad;
}

}  // namespace
}  // namespace conntruth::evidence
