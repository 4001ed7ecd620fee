// Verdicts of health endpoints: constructed answers over HTTP.
#include "tests/unit/controller/judge/verdict_of.hpp"

namespace conntruth::judge {
namespace {

using testing::Bench;

// A cell of node-2's health check node port that has to say what `wanted` says.
struct HealthBench : Bench {
  explicit HealthBench(const HttpExpectation& wanted) {
    task = cell(
        {.entry_node = "node-2", .endpoints = {}, .spread = Spread::kFree, .source = SourceRule::kAny, .count = 8});
    auto& made = plan.stages.back().cells.back();
    made.flow.entry.kind = EntryKind::kHealthCheckNodePort;
    made.expectation.http = wanted;
    plan.stages.back().tasks.back().task.method = Method::kHttpGet;
  }
  void answered(std::uint32_t first, std::uint32_t last, const HttpAnswer& answer) {
    for (auto i = first; i < last; ++i) {
      Sample sample;
      sample.id = probe_id(task, i);
      sample.outcome = Outcome::kReplied;
      sample.http = answer;
      sample.round_trip_ns = 1000;
      samples.push_back(sample);
    }
  }
  std::uint32_t task = 0;
};

const HttpExpectation kOneLocal{200, 1, "default/web"};
constexpr std::string_view kWhere =
    "from node-1-pod-0 to 172.18.0.2:30080/tcp (healthCheckNodePort on node-2 of default/web)";

TEST(HealthVerdict, the_right_status_count_and_service_pass) {
  HealthBench bench(kOneLocal);
  bench.answered(0, 8, {200, 1, "default/web"});
  expect(bench, Verdict::kPass, ReasonCode::kAsExpected,
         "8 GETs " + std::string(kWhere) + " were answered 200 (1 local) of default/web in 8");
}

TEST(HealthVerdict, another_status_is_red_even_once) {
  HealthBench bench({503, 0, "default/web"});
  bench.answered(0, 7, {503, 0, "default/web"});
  bench.answered(7, 8, {200, 1, "default/web"});
  expect(bench, Verdict::kFail, ReasonCode::kWrongStatus,
         "1 of 8 GETs " + std::string(kWhere) +
             " were answered 200 (1 local) of default/web in 1; expected 503 (0 local) of default/web");
}

TEST(HealthVerdict, another_count_is_red) {
  HealthBench bench(kOneLocal);
  bench.answered(0, 8, {200, 2, "default/web"});
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kWrongCount);
  HealthBench silent_about_it(kOneLocal);
  silent_about_it.answered(0, 8, {200, std::nullopt, "default/web"});
  EXPECT_EQ(verdict_of(silent_about_it).reason().code, ReasonCode::kWrongCount);
}

TEST(HealthVerdict, another_service_is_red) {
  HealthBench bench(kOneLocal);
  bench.answered(0, 8, {200, 1, "default/api"});
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kWrongService);
}

TEST(HealthVerdict, the_proxys_own_health_is_its_status_alone) {
  HealthBench bench({503, std::nullopt, ""});
  bench.answered(0, 8, {503, std::nullopt, ""});
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass);
}

TEST(HealthVerdict, silence_and_refusal_are_what_they_are_elsewhere) {
  HealthBench bench(kOneLocal);
  for (std::uint32_t i = 0; i < 8; ++i) bench.timed_out(bench.task, i);
  expect(bench, Verdict::kFail, ReasonCode::kSilent,
         "all 8 flows " + std::string(kWhere) + " got no answer; the server's own sight is not known");
  HealthBench refused(kOneLocal);
  for (std::uint32_t i = 0; i < 8; ++i) refused.refused(refused.task, i, testing::node_ip(2));
  EXPECT_EQ(verdict_of(refused).reason().code, ReasonCode::kRefusedNotReplied);
}

TEST(HealthVerdict, an_answer_where_the_port_has_to_be_closed_is_red) {
  HealthBench bench(kOneLocal);
  auto& expectation = bench.plan.stages.back().cells.back().expectation;
  expectation.http.reset();
  expectation.outcomes = {false, true, true};
  bench.answered(0, 8, {200, 1, "default/web"});
  expect(
      bench, Verdict::kFail, ReasonCode::kRepliedNotRefused,
      "all 8 flows " + std::string(kWhere) +
          " were answered, by an HTTP server: 200 (1 local) of default/web in 8; they have to be refused or dropped");
}

TEST(HealthVerdict, the_state_before_is_set_aside_until_the_first_right_answer) {
  HealthBench bench(kOneLocal);
  bench.plan.stages.back().cells.back().settle = std::chrono::milliseconds(2000);
  bench.answered(0, 3, {503, 0, "default/web"});
  bench.answered(3, 8, {200, 1, "default/web"});
  for (auto& sample : bench.samples) sample.sent_ns = 1'500'000'000;  // half a second after the change
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass);
  EXPECT_EQ(bench.folded().stages[0].cells[0].settling, 3U);
  bench.samples.back().http->status = 503;
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kWrongStatus) << "it does not go back";
  for (auto& sample : bench.samples) sample.sent_ns = 3'500'000'000;
  bench.samples.back().http->status = 200;
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kWrongStatus) << "it takes too long";
}

TEST(HealthVerdict, what_never_turns_right_is_red_however_soon_it_was_asked) {
  HealthBench bench(kOneLocal);
  bench.plan.stages.back().cells.back().settle = std::chrono::milliseconds(2000);
  bench.answered(0, 8, {503, 0, "default/web"});
  for (auto& sample : bench.samples) sample.sent_ns = 1'100'000'000;
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kWrongStatus);
}

}  // namespace
}  // namespace conntruth::judge
