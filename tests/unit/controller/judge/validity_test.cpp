// Cells about whose dataplane nothing is said: controls, tool errors, missing samples, not scored, not run; and the
// codes.
#include <fstream>
#include <iterator>
#include <set>

#include "tests/unit/controller/judge/verdict_of.hpp"

namespace conntruth::judge {
namespace {

using testing::Bench;
using testing::CellSpec;
using testing::pod_ip;

TEST(Validity, a_failed_control_makes_its_cells_invalid) {
  for (const bool positive : {true, false}) {
    Bench bench;
    const auto control = bench.control(positive, 5, 1);
    const auto task = bench.cell({.count = 2, .controls = {control}});
    bench.timed_out(task, 0);
    bench.timed_out(task, 1);
    const auto found = verdict_of(bench);
    EXPECT_EQ(found.verdict, Verdict::kInvalid);
    EXPECT_EQ(found.reason().code, ReasonCode::kControlFailed);
    EXPECT_EQ(found.reason().text,
              positive
                  ? "control/positive/a>b: 4 of 5 probes were answered by node-2-pod-0:8080 (replied 4, refused 0, "
                    "timed out 1)"
                  : "control/negative/a>b: 4 of 5 probes were refused (replied 0, refused 4, timed out 1)");
  }
}

TEST(Validity, a_control_answered_by_another_one_failed) {
  Bench bench;
  const auto control = bench.control(true, 1);
  bench.samples.back().responder = 3;
  bench.answer(bench.cell({.count = 2, .controls = {control}}), 0, 2, {2, 3});
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kControlFailed);
}

TEST(Validity, a_control_without_evidence_makes_its_cells_invalid) {
  Bench bench;
  const auto control = bench.control(true, 5, 0, 2);
  bench.answer(bench.cell({.count = 2, .controls = {control}}), 0, 2, {2, 3});
  expect(bench, Verdict::kInvalid, ReasonCode::kControlMissing, "control/positive/a>b: 3 of 5 probes have evidence");
}

TEST(Validity, controls_that_hold_let_the_cell_be_judged) {
  Bench bench;
  const auto positive = bench.control(true);
  const auto negative = bench.control(false);
  bench.answer(bench.cell({.count = 2, .controls = {positive, negative}}), 0, 2, {2, 3});
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass);
}

TEST(Validity, one_tool_error_is_never_green) {
  Bench bench;
  const auto task = bench.cell({});
  bench.answer(task, 0, 279, {2, 3});
  bench.tool_error(task, 279, "sendto: Operation not permitted");
  expect(
      bench, Verdict::kError, ReasonCode::kToolError,
      "1 of 280 probes from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) failed in the tool: sendto: "
      "Operation not permitted");
}

TEST(Validity, one_missing_sample_is_never_green) {
  Bench bench;
  bench.answer(bench.cell({}), 0, 279, {2, 3});
  bench.facts.agents = {{"node-1", "", {}}, {"node-3", "the stream was cut", {}}};
  expect(bench, Verdict::kError, ReasonCode::kMissingSamples,
         "1 of 280 planned probes from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were not reported; "
         "lost agents: node-3: the stream was cut");
}

TEST(Validity, no_sample_at_all_is_an_error) {
  Bench bench;
  bench.cell({.outcomes = kDrop});
  expect(bench, Verdict::kError, ReasonCode::kNoSamples,
         "none of 280 planned probes from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) was reported");
}

TEST(Validity, what_is_not_scored_is_recorded_whatever_it_was) {
  Bench bench;
  const auto task = bench.cell({.scored = false, .count = 1});
  bench.timed_out(task, 0);
  const auto found = verdict_of(bench);
  EXPECT_EQ(found.verdict, Verdict::kRecorded);
  EXPECT_EQ(found.reason().code, ReasonCode::kNotScored);
  ASSERT_EQ(found.reasons.size(), 2U);
  EXPECT_EQ(found.reasons[1].code, ReasonCode::kSilent);
}

TEST(Validity, a_stage_that_was_not_reached_was_not_run) {
  Bench bench;
  bench.cell({});
  bench.facts.stages.clear();
  bench.facts.ended_early = "interrupted";
  expect(bench, Verdict::kNotRun, ReasonCode::kRunEnded, "the run ended early: interrupted");
}

TEST(Validity, what_needs_an_agent_that_is_gone_was_not_run) {
  Bench bench;
  bench.cell({});
  bench.facts.agents = {{"node-1", "its stream ended", {}}};
  bench.facts.stages.at(0).without = {"node-1"};
  expect(bench, Verdict::kNotRun, ReasonCode::kAgentLost,
         "not probed: it needs an agent that was gone by then; lost agents: node-1: its stream ended");
  bench.facts.stages.at(0).without = {"node-3"};
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kError);
}

TEST(Validity, what_is_red_for_want_of_a_node_that_died_is_no_finding) {
  Bench bench;
  const auto task = bench.cell({.endpoints = {2}, .count = 10, .controls = {bench.control(true)}});
  for (std::uint32_t i = 0; i < 10; ++i) bench.timed_out(task, i);
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kFail);
  bench.facts.agents = {{"node-2", "its stream ended", {}}};  // the control's responder is there
  const auto found = verdict_of(bench);
  EXPECT_EQ(found.verdict, Verdict::kInvalid);
  EXPECT_EQ(found.reason(),
            (Reason{ReasonCode::kAgentLost,
                    "an agent that it needs was lost about then; lost agents: node-2: its stream ended"}));
  bench.facts.agents[0].agent = "node-3";
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kFail) << "it has nothing to do with it";
}

Verdict after_a_pause(std::int64_t probed_ns, std::int64_t idle_ns) {
  Bench bench;
  CellSpec spec{.protocol = Protocol::kUdp, .endpoints = {2}, .spread = Spread::kFree, .count = 2, .source_port = 8100};
  const auto before = bench.cell(spec);
  spec.earlier = {before};
  const auto task = bench.cell(spec);
  const auto by = testing::responder(2, Protocol::kUdp);
  bench.replied(before, 0, by, pod_ip(1), 1);
  bench.replied(before, 1, by, pod_ip(1), 1 + probed_ns);
  bench.timed_out(task, 0, 1 + probed_ns + idle_ns);
  bench.timed_out(task, 1, 1 + probed_ns + idle_ns);
  return bench.judged().stages.at(0).at(1).verdict;
}

// net/netfilter/nf_conntrack_proto_udp.c
TEST(Validity, nothing_is_said_of_a_flow_that_connection_tracking_may_have_forgotten) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  EXPECT_EQ(after_a_pause(kSecond, 29 * kSecond), Verdict::kFail);
  EXPECT_EQ(after_a_pause(kSecond, 30 * kSecond), Verdict::kInvalid);
  EXPECT_EQ(after_a_pause(3 * kSecond, 119 * kSecond), Verdict::kFail) << "a stream";
  EXPECT_EQ(after_a_pause(3 * kSecond, 120 * kSecond), Verdict::kInvalid);
}

TEST(Validity, what_the_plan_could_not_run_keeps_its_reason) {
  Bench bench;
  bench.plan.not_run = {{"a/b", "a", "node-1 has no ipv6 address"}};
  const auto judgement = bench.judged();
  EXPECT_EQ(judgement.not_run.at(0).verdict, Verdict::kNotRun);
  EXPECT_EQ(judgement.not_run.at(0).reason(), (Reason{ReasonCode::kNotRunnable, "node-1 has no ipv6 address"}));
}

TEST(Reason, every_code_has_a_name_of_its_own_and_an_explanation) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kReasonCodes; ++i) {
    const auto code = static_cast<ReasonCode>(i);
    names.insert(to_string(code));
    EXPECT_EQ(explanation(code).back(), '.') << i;
    EXPECT_EQ(to_string(code).find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string_view::npos);
  }
  EXPECT_EQ(names.size(), kReasonCodes);
  EXPECT_EQ(to_string(ReasonCode::kWrongEndpoint), "wrong-endpoint");
  EXPECT_EQ(to_string(ReasonCode::kFollowedLate), "followed-late");
  EXPECT_EQ(to_string(ReasonCode::kRunEnded), "run-ended");
}

TEST(Reason, every_code_has_a_row_in_the_documentation) {
  std::ifstream file(CONNTRUTH_SOURCE_DIR "/docs/verdicts.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t i = 0; i < kReasonCodes; ++i) {
    const auto row = "| `" + std::string(to_string(static_cast<ReasonCode>(i))) + "` |";
    EXPECT_NE(text.find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace conntruth::judge
