// Cells in which a profile has a part of the flows lost.
#include "tests/unit/controller/judge/verdict_of.hpp"

namespace conntruth::judge {
namespace {

using testing::Bench;
using testing::pod_ip;

// A profile's fact: the endpoints at pods 2 and 3 answer one half of the flows, the replies of two others are lost.
Bench half_is_lost(std::uint32_t lost) {
  Bench bench;
  const auto task = bench.cell({.count = 64});
  auto& expectation = bench.plan.stages[0].cells[0].expectation;
  expectation.outcomes.timed_out = true;
  expectation.unanswered_at = {{pod_ip(1), 8080}, {pod_ip(4), 8080}};
  bench.answer(task, 0, 64 - lost, {2, 3});
  for (std::uint32_t i = 64 - lost; i < 64; ++i) bench.timed_out(task, i);
  return bench;
}

TEST(Verdict, where_a_profile_has_flows_lost_their_part_is_demanded) {
  EXPECT_EQ(verdict_of(half_is_lost(30)).verdict, Verdict::kPass);
  EXPECT_EQ(verdict_of(half_is_lost(0)).reason().code, ReasonCode::kUnevenSpread);
  EXPECT_EQ(verdict_of(half_is_lost(62)).reason().code, ReasonCode::kUnevenSpread);
  EXPECT_NE(verdict_of(half_is_lost(0)).reason().text.find("the profile has 2 of 4 endpoints lose theirs"),
            std::string::npos);
}

}  // namespace
}  // namespace conntruth::judge
