// One literal case for every reason that a judged cell can have.
#include "tests/unit/controller/judge/verdict_of.hpp"

namespace conntruth::judge {
namespace {

using testing::Bench;
using testing::ip;
using testing::node_ip;
using testing::pod_ip;

TEST(Verdict, all_answered_evenly_by_the_expected_endpoints_passes) {
  Bench bench;
  bench.answer(bench.cell({}), 0, 280, {2, 3});
  expect(bench, Verdict::kPass, ReasonCode::kAsExpected,
         "280 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were answered by "
         "node-2-pod-0:8080 (140) and node-3-pod-0:8080 (140)");
}

TEST(Verdict, one_lost_flow_of_280_is_red) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}});
  bench.answer(task, 0, 279, {2});
  bench.timed_out(task, 279);
  expect(bench, Verdict::kFail, ReasonCode::kLost,
         "1 of 280 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) got no answer; the endpoint "
         "saw none of them");
}

TEST(Verdict, where_some_lost_flows_arrived_it_says_how_many) {
  Bench bench;
  const auto task = bench.cell({});
  bench.answer(task, 0, 270, {2, 3});
  for (std::uint32_t i = 270; i < 280; ++i) bench.timed_out(task, i);
  bench.sight(task, 275, 2);
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kLost);
  EXPECT_NE(verdict_of(bench).reason().text.find("1 of them reached node-2-pod-0:8080 (1)"), std::string::npos);
}

TEST(Verdict, without_the_endpoints_agent_nothing_is_claimed_about_arrival) {
  Bench bench;
  const auto task = bench.cell({.count = 1});
  bench.timed_out(task, 0);
  bench.facts.agents = {{"node-2", "the stream was cut", {}}};
  EXPECT_NE(verdict_of(bench).reason().text.find("is not known, as an endpoint's agent was lost"), std::string::npos);
}

TEST(Verdict, no_answer_at_all_is_silent) {
  Bench bench;
  const auto task = bench.cell({.protocol = Protocol::kUdp, .count = 3});
  for (std::uint32_t i = 0; i < 3; ++i) bench.timed_out(task, i);
  expect(bench, Verdict::kFail, ReasonCode::kSilent,
         "all 3 flows from node-1-pod-0 to 10.96.0.10:80/udp (clusterIP of default/web) got no answer; no endpoint saw "
         "any of them");
}

TEST(Verdict, requests_that_all_arrived_mean_lost_replies) {
  Bench bench;
  const auto task = bench.cell({.count = 3});
  for (std::uint32_t i = 0; i < 3; ++i) {
    bench.timed_out(task, i);
    bench.sight(task, i, 3);
  }
  expect(bench, Verdict::kFail, ReasonCode::kReplyLost,
         "all 3 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) got no answer; all of them "
         "reached node-3-pod-0:8080 (3), so the replies were lost");
}

TEST(Verdict, refused_where_an_answer_is_due) {
  Bench bench;
  const auto task = bench.cell({.count = 2});
  bench.refused(task, 0, node_ip(1));
  bench.refused(task, 1, node_ip(1));
  expect(bench, Verdict::kFail, ReasonCode::kRefusedNotReplied,
         "all 2 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were refused: ICMP port "
         "unreachable (3/3) from 172.18.0.1 (node-1); they have to be answered");
}

TEST(Verdict, answered_where_a_refusal_is_due) {
  Bench bench;
  bench.answer(bench.cell({.outcomes = kRefuse, .count = 2}), 0, 2, {2});
  expect(bench, Verdict::kFail, ReasonCode::kRepliedNotRefused,
         "all 2 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were answered, by "
         "node-2-pod-0:8080 (2); they have to be refused");
}

TEST(Verdict, answered_where_silence_is_due) {
  Bench bench;
  bench.answer(bench.cell({.entry_node = "node-2", .outcomes = kDrop, .count = 2}), 0, 2, {2});
  expect(bench, Verdict::kFail, ReasonCode::kRepliedNotSilent,
         "all 2 flows from node-1-pod-0 to 172.18.0.2:30080/tcp (nodePort on node-2 of default/web) were answered, by "
         "node-2-pod-0:8080 (2); they have to be dropped silently");
}

TEST(Verdict, refused_where_silence_is_due) {
  Bench bench;
  const auto task = bench.cell({.outcomes = kDrop, .count = 2});
  bench.timed_out(task, 0);
  bench.refused(task, 1, node_ip(2));
  expect(bench, Verdict::kFail, ReasonCode::kRefusedNotSilent,
         "1 of 2 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were refused: ICMP port "
         "unreachable (3/3) from 172.18.0.2 (node-2); they have to be dropped silently");
}

TEST(Verdict, silent_where_a_refusal_is_due) {
  Bench bench;
  const auto task = bench.cell({.outcomes = kRefuse, .count = 2});
  bench.timed_out(task, 0);
  bench.refused(task, 1, node_ip(2));
  expect(bench, Verdict::kFail, ReasonCode::kSilentNotRefused,
         "1 of 2 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were dropped silently; they "
         "have to be refused");
}

TEST(Verdict, refused_or_dropped_may_both_be_acceptable) {
  Bench bench;
  const auto task = bench.cell({.outcomes = {false, true, true}, .count = 2});
  bench.timed_out(task, 0);
  bench.refused(task, 1, node_ip(2));
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass);
}

TEST(Verdict, silence_hides_no_request_that_reached_an_endpoint) {
  Bench bench;
  const auto task = bench.cell({.outcomes = kDrop, .count = 2});
  bench.timed_out(task, 0);
  bench.timed_out(task, 1);
  bench.sight(task, 1, 2);
  expect(
      bench, Verdict::kFail, ReasonCode::kLeaked,
      "1 of 2 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) reached node-2-pod-0:8080 (1), "
      "although the client saw no reply; they have to be dropped silently");
}

TEST(Verdict, a_connection_that_nobody_known_opened_is_an_answer_where_none_is_due) {
  Bench bench;
  const auto task = bench.cell({.outcomes = kDrop, .count = 2});
  bench.timed_out(task, 0);
  bench.accepted(task, 1);
  expect(bench, Verdict::kFail, ReasonCode::kRepliedNotSilent,
         "1 of 2 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were answered, by something "
         "that gave no identity (1); they have to be dropped silently");
}

TEST(Verdict, where_an_answer_is_due_an_opened_connection_without_data_is_a_lost_flow) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}});
  bench.answer(task, 0, 279, {2});
  bench.accepted(task, 279);
  expect(bench, Verdict::kFail, ReasonCode::kLost,
         "1 of 280 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) got no answer; the endpoint "
         "saw none of them; 1 of them were accepted, and then nothing came");
}

TEST(Verdict, one_answer_of_a_stranger_is_red) {
  Bench bench;
  const auto task = bench.cell({});
  bench.answer(task, 0, 279, {2, 3});
  bench.replied(task, 279, 1, pod_ip(1));
  expect(bench, Verdict::kFail, ReasonCode::kWrongEndpoint,
         "1 of 280 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were answered by "
         "node-1-pod-0:8080 (1); only node-2-pod-0:8080 and node-3-pod-0:8080 may answer");
}

TEST(Verdict, a_fixed_flow_answered_by_a_gone_endpoint_is_stale) {
  Bench bench;
  const auto task = bench.cell({.protocol = Protocol::kUdp, .endpoints = {2}, .count = 3, .source_port = 40000});
  bench.answer(task, 0, 3, {testing::responder(3, Protocol::kUdp)});
  expect(bench, Verdict::kFail, ReasonCode::kStaleFlow,
         "all 3 probes of one fixed flow from node-1-pod-0 to 10.96.0.10:80/udp (clusterIP of default/web) were "
         "answered by node-3-pod-0:8080 (3); only node-2-pod-0:8080 may answer");
}

testing::CellSpec kept(std::uint32_t count, std::vector<std::uint32_t> earlier = {}) {
  return {.spread = Spread::kFree,
          .rule = plan::CellRule::kKept,
          .count = count,
          .connection = 1,
          .earlier = std::move(earlier)};
}

TEST(Verdict, a_connection_that_stays_where_it_was_opened_passes) {
  Bench bench;
  const auto opened = bench.cell(kept(2));
  bench.answer(opened, 0, 2, {3});
  bench.answer(bench.cell(kept(4, {opened})), 0, 4, {3});
  const auto judged = bench.judged();
  for (const auto& verdict : judged.stages.at(0)) EXPECT_EQ(verdict.verdict, Verdict::kPass);
}

TEST(Verdict, a_connection_that_another_endpoint_answers_has_moved) {
  Bench bench;
  const auto task = bench.cell(kept(4));
  bench.answer(task, 0, 3, {2});
  bench.answer(task, 3, 4, {3});  // acceptable for a new flow
  expect(bench, Verdict::kFail, ReasonCode::kConnectionMoved,
         "1 of 4 requests on one connection from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were "
         "answered by node-3-pod-0:8080 (1); it was opened to node-2-pod-0:8080 and stays there");
}

TEST(Verdict, a_connection_is_held_to_the_endpoint_of_an_earlier_step) {
  Bench bench;
  const auto opened = bench.cell(kept(2));
  bench.answer(opened, 0, 2, {2});
  bench.answer(bench.cell(kept(4, {opened})), 0, 4, {3});
  EXPECT_EQ(bench.judged().stages.at(0).at(0).verdict, Verdict::kPass);
  EXPECT_EQ(bench.judged().stages.at(0).at(1).reason().code, ReasonCode::kConnectionMoved);
}

TEST(Verdict, a_connection_that_was_ended_is_reset) {
  Bench bench;
  const auto task = bench.cell(kept(3));
  bench.answer(task, 0, 2, {2});
  bench.refused(task, 2, ip("10.96.0.10"));
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kFail);
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kConnectionReset);
}

TEST(Verdict, a_connection_that_never_came_about_is_refused_and_not_reset) {
  Bench bench;
  const auto task = bench.cell(kept(2));
  bench.refused(task, 0, ip("10.96.0.10"));
  bench.refused(task, 1, ip("10.96.0.10"));
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kRefusedNotReplied);
}

TEST(Verdict, a_connection_to_an_endpoint_outside_of_the_set_is_wrong_in_every_step) {
  Bench bench;
  const auto task = bench.cell(kept(2));
  bench.answer(task, 0, 2, {1});
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kWrongEndpoint);
}

TEST(Verdict, source_rewritten) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}, .count = 2});
  bench.replied(task, 0, 2, pod_ip(1));
  bench.replied(task, 1, 2, node_ip(1));
  expect(bench, Verdict::kFail, ReasonCode::kSourceRewritten,
         "1 of 2 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) showed their endpoint a wrong "
         "source: 172.18.0.1 (node-1) in 1; expected 10.244.1.2 (node-1-pod-0)");
}

TEST(Verdict, source_not_rewritten) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}, .source = SourceRule::kNode, .count = 1});
  bench.replied(task, 0, 2, pod_ip(1));
  expect(bench, Verdict::kFail, ReasonCode::kSourceNotRewritten,
         "1 of 1 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) showed their endpoint a wrong "
         "source: 10.244.1.2 (node-1-pod-0) in 1; expected 172.18.0.1 (node-1)");
}

TEST(Verdict, hairpin_without_rewriting) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {1}, .count = 1});
  bench.replied(task, 0, 1, pod_ip(1));
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kSourceNotRewritten);
  EXPECT_NE(verdict_of(bench).reason().text.find("must not see its own address"), std::string::npos);
}

TEST(Verdict, a_source_that_is_nobodys_is_wrong) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}, .source = SourceRule::kNode, .count = 1});
  bench.replied(task, 0, 2, ip("192.0.2.7"));
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kWrongSource);
}

TEST(Verdict, sources_beyond_the_list_are_still_counted) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}, .source = SourceRule::kNode, .count = 20});
  for (std::uint32_t i = 0; i < 20; ++i) bench.replied(task, i, 2, ip("192.0.2." + std::to_string(i)));
  EXPECT_EQ(verdict_of(bench).reason().text.rfind("all 20 flows", 0), 0U) << verdict_of(bench).reason().text;
}

TEST(Verdict, an_endpoint_that_never_answers_is_named) {
  Bench bench;
  bench.answer(bench.cell({}), 0, 280, {2});
  expect(bench, Verdict::kFail, ReasonCode::kMissingEndpoint,
         "node-3-pod-0:8080 answered none of 280 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of "
         "default/web); each of 2 endpoints has to take its share");
}

TEST(Verdict, ninety_to_ten_is_uneven) {
  Bench bench;
  bench.answer(bench.cell({}), 0, 280, {2, 2, 2, 2, 2, 2, 2, 2, 2, 3});
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kUnevenSpread);
  EXPECT_NE(verdict_of(bench).reason().text.find("node-2-pod-0:8080 252 and node-3-pod-0:8080 28"), std::string::npos)
      << verdict_of(bench).reason().text;
}

TEST(Verdict, few_flows_say_nothing_about_shares) {
  Bench bench;
  bench.answer(bench.cell({.count = 10}), 0, 10, {2});
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass);
  ASSERT_TRUE(verdict_of(bench).shares);
  EXPECT_FALSE(verdict_of(bench).shares->conclusive);
}

TEST(Verdict, one_fixed_flow_says_nothing_about_shares) {
  Bench bench;
  bench.answer(bench.cell({.source_port = 40000}), 0, 280, {2});
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass);
  EXPECT_FALSE(verdict_of(bench).shares);
}

TEST(Verdict, any_member_is_free_to_answer) {
  Bench bench;
  bench.answer(bench.cell({.spread = Spread::kFree}), 0, 280, {2});
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass);
}

TEST(Verdict, affinity_allows_exactly_one_endpoint) {
  Bench good;
  good.answer(good.cell({.spread = Spread::kSticky}), 0, 280, {3});
  EXPECT_EQ(verdict_of(good).verdict, Verdict::kPass);
  Bench bad;
  const auto task = bad.cell({.spread = Spread::kSticky, .count = 10});
  bad.answer(task, 0, 9, {3});
  bad.replied(task, 9, 2, pod_ip(1));
  expect(
      bad, Verdict::kFail, ReasonCode::kNotSticky,
      "flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were answered by 2 endpoints in spite "
      "of session affinity: node-2-pod-0:8080 (1) and node-3-pod-0:8080 (9)");
}

TEST(Verdict, timed_out_affinity_has_to_rotate) {
  Bench good;
  good.answer(good.cell({.spread = Spread::kSticky, .rule = plan::CellRule::kRotate, .count = 40}), 0, 40, {2, 3});
  EXPECT_EQ(verdict_of(good).verdict, Verdict::kPass);
  Bench bad;
  bad.answer(bad.cell({.spread = Spread::kSticky, .rule = plan::CellRule::kRotate, .count = 40}), 0, 40, {2});
  expect(bad, Verdict::kFail, ReasonCode::kNotRotated,
         "all 40 answers to flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) came from "
         "node-2-pod-0:8080 "
         "(40), although the session affinity had timed out in between");
}

Bench following(std::int64_t right_after_ms) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}, .rule = plan::CellRule::kFollow, .count = 2});
  bench.timed_out(task, 0, 1'000'000'000);
  if (right_after_ms >= 0) {
    bench.replied(task, 1, 2, pod_ip(1), 1'000'000'000 + right_after_ms * 1'000'000);
  } else {
    bench.timed_out(task, 1, 1'000'000'000);
  }
  return bench;
}

TEST(Verdict, a_change_followed_in_time_passes) {
  expect(
      following(20), Verdict::kPass, ReasonCode::kAsExpected,
      "the first right answer from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) came 20.100 ms after "
      "the change");
}

TEST(Verdict, a_change_followed_late_is_red) {
  expect(following(200), Verdict::kFail, ReasonCode::kFollowedLate,
         "the first right answer from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) came 200.100 ms "
         "after the change; the bound is 100.000 ms");
}

TEST(Verdict, a_change_never_followed_is_red) {
  expect(following(-1), Verdict::kFail, ReasonCode::kNeverFollowed,
         "2 probes from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) got no right answer after the "
         "change");
}

TEST(Verdict, a_right_answer_before_the_change_measures_nothing) {
  EXPECT_EQ(verdict_of(following(20)).verdict, Verdict::kPass);
  auto bench = following(20);
  bench.facts.stages[0].published_ns = 1'500'000'000;
  expect(bench, Verdict::kInvalid, ReasonCode::kNothingToFollow,
         "1 right answers from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) came before the change");
}

TEST(Verdict, follow_cells_of_a_stage_without_body_probes_are_judged) {
  auto bench = following(20);
  bench.facts.stages[0].probed = false;
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass);
}

}  // namespace
}  // namespace conntruth::judge
