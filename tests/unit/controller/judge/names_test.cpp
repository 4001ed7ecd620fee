// Verdicts of names: constructed answers of a DNS server.
#include "tests/unit/controller/judge/verdict_of.hpp"

namespace conntruth::judge {
namespace {

using testing::Bench;

const NameAnswer kWanted{0, "", {*IpAddress::parse("10.96.0.9")}};
const NameAnswer kNone{NameAnswer::kNoSuchName, "", {}};

// A cell of a name that has to be told `kWanted`, looked up until that was told three times in a row.
struct NameBench : Bench {
  NameBench() {
    task = cell({.endpoints = {}, .spread = Spread::kFree, .source = SourceRule::kAny, .count = 8});
    auto& made = plan.stages.back().cells.back();
    made.flow.entry.kind = EntryKind::kName;
    made.flow.entry.name = "web.default.svc.cluster.local";
    made.expectation.name = kWanted;
    auto& asked = plan.stages.back().tasks.back().task;
    asked.method = Method::kDnsLookup;
    asked.until_name = kWanted;
    asked.until_count = 3;
  }
  void told(std::uint32_t first, std::uint32_t last, const NameAnswer& answer) {
    for (auto i = first; i < last; ++i) {
      Sample sample;
      sample.id = probe_id(task, i);
      sample.outcome = Outcome::kReplied;
      sample.name = answer;
      sample.round_trip_ns = 1000;
      samples.push_back(sample);
    }
  }
  std::uint32_t task = 0;
};

TEST(NameVerdict, the_right_addresses_pass_and_end_the_lookups) {
  NameBench bench;
  bench.told(0, 3, kWanted);
  EXPECT_EQ(verdict_of(bench).verdict, Verdict::kPass) << verdict_of(bench).reason().text;
}

TEST(NameVerdict, another_answer_is_red_and_told) {
  NameBench bench;
  bench.told(0, 8, kNone);
  const auto verdict = verdict_of(bench);
  EXPECT_EQ(verdict.verdict, Verdict::kFail);
  EXPECT_EQ(verdict.reason().code, ReasonCode::kWrongName);
  EXPECT_NE(verdict.reason().text.find("all 8 lookups of web.default.svc.cluster.local"), std::string::npos)
      << verdict.reason().text;
  EXPECT_NE(verdict.reason().text.find("were answered NXDOMAIN in 8; expected 10.96.0.9"), std::string::npos);
}

TEST(NameVerdict, one_wrong_answer_after_the_right_ones_is_red) {
  NameBench bench;
  bench.told(0, 5, kWanted);
  bench.told(5, 6, kNone);
  bench.told(6, 8, kWanted);
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kWrongName);
}

TEST(NameVerdict, an_alias_that_has_to_be_told_is_part_of_the_answer) {
  NameBench bench;
  auto aliased = kWanted;
  aliased.alias = "other.default.svc.cluster.local";
  bench.told(0, 8, aliased);
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kWrongName);
}

TEST(NameVerdict, silence_is_silence) {
  NameBench bench;
  for (std::uint32_t i = 0; i < 8; ++i) bench.timed_out(bench.task, i);
  EXPECT_EQ(verdict_of(bench).reason().code, ReasonCode::kSilent);
}

}  // namespace
}  // namespace conntruth::judge
