// Verdicts about Services whose endpoints are other people's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/judging.hpp"
#include "tests/unit/controller/judge/verdict_of.hpp"

namespace conntruth::judge {
namespace {

using namespace conntruth::testing;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

class Reading : public ::testing::Test {
 protected:
  Reading() {
    for (auto& responder : bench.plan.responders) responder.foreign = true;
  }
  std::uint32_t cell(const CellSpec& spec) {
    const auto task = bench.cell(spec);
    bench.plan.stages[0].cells.back().foreign = true;
    auto& probes = bench.plan.stages[0].tasks.back().task;
    probes.foreign = true;
    probes.method = spec.protocol == Protocol::kUdp ? Method::kUdpCrafted : Method::kTcpSyn;
    return task;
  }
  void answered(std::uint32_t task, std::uint32_t sequence) { bench.replied(task, sequence, 0, {}); }
  // Connection tracking's word; without a node's own name that of the endpoint at pod `node`.
  void sent(std::uint32_t task, std::uint32_t sequence, const SocketAddress& to, IpAddress source = pod_ip(1)) {
    bench.sights.push_back({probe_id(task, sequence), 0, {source, 10'000}, 0, to});
  }
  static SocketAddress endpoint(int node) { return {pod_ip(node), kPort}; }
  [[nodiscard]] CellVerdict verdict() const { return bench.judged().stages.at(0).at(0); }
  [[nodiscard]] const matrix::CellObservation seen() const { return bench.folded().stages.at(0).cells.at(0); }

  Bench bench;
};

TEST_F(Reading, whom_connection_tracking_names_has_answered) {
  const auto task = cell({.count = 24});
  for (std::uint32_t i = 0; i < 24; ++i) {
    answered(task, i);
    sent(task, i, endpoint(i % 2 == 0 ? 2 : 3));
  }
  EXPECT_EQ(verdict().verdict, Verdict::kPass) << verdict().reason().text;
  EXPECT_THAT(verdict().reason().text, HasSubstr("were answered by node-2-pod-0:8080 (12) and node-3-pod-0:8080 (12)"));
  EXPECT_EQ(seen().foreign.unseen, 0U);
}

TEST_F(Reading, an_answer_of_which_nothing_is_known_is_no_wrong_endpoint_and_says_so) {
  const auto task = cell({.count = 24});
  for (std::uint32_t i = 0; i < 24; ++i) answered(task, i);
  EXPECT_EQ(verdict().verdict, Verdict::kPass);
  EXPECT_THAT(verdict().reason().text, HasSubstr("24 were answered by an endpoint that was not seen"));
  EXPECT_TRUE(seen().responders.empty()) << "nobody's identity is made up";
  EXPECT_EQ(seen().foreign.unseen, 24U);
}

TEST_F(Reading, a_node_that_passes_the_flow_on_does_not_outweigh_the_one_that_translates_it) {
  const auto task = cell({.entry_node = "node-2", .source = SourceRule::kNode, .count = 24});
  const auto target = bench.plan.stages[0].cells[0].flow.entry.target;
  for (std::uint32_t i = 0; i < 24; ++i) {
    answered(task, i);
    const auto pass_on = [&] { sent(task, i, target); };
    const auto translate = [&] { sent(task, i, endpoint(i % 2 == 0 ? 2 : 3), node_ip(1)); };
    i % 3 == 0 ? (pass_on(), translate()) : (translate(), pass_on());
  }
  EXPECT_EQ(verdict().verdict, Verdict::kPass) << verdict().reason().text;
  EXPECT_EQ(seen().foreign.unseen, 0U);
}

TEST_F(Reading, a_known_endpoint_that_is_not_acceptable_is_wrong) {
  const auto task = cell({.endpoints = {2}, .count = 10});
  for (std::uint32_t i = 0; i < 10; ++i) {
    answered(task, i);
    sent(task, i, endpoint(i < 4 ? 3 : 2));
  }
  EXPECT_EQ(verdict().reason().code, ReasonCode::kWrongEndpoint);
  EXPECT_THAT(verdict().reason().text, HasSubstr("4 of 10 flows"));
  EXPECT_THAT(verdict().reason().text, HasSubstr("node-3-pod-0:8080 (4)"));
}

TEST_F(Reading, an_address_that_no_slice_lists_is_wrong_and_named) {
  const auto task = cell({.endpoints = {2}, .count = 10});
  for (std::uint32_t i = 0; i < 10; ++i) {
    answered(task, i);
    sent(task, i, i < 4 ? SocketAddress{ip("10.244.3.77"), 99} : endpoint(2));
  }
  EXPECT_EQ(verdict().verdict, Verdict::kFail);
  EXPECT_EQ(verdict().reason().code, ReasonCode::kWrongEndpoint);
  EXPECT_THAT(verdict().reason().text,
              HasSubstr("4 of 10 flows from node-1-pod-0 to 10.96.0.10:80/tcp (clusterIP of default/web) were sent to "
                        "10.244.3.77:99 (4), which is no endpoint of any Service; only node-2-pod-0:8080 may answer"));
}

TEST_F(Reading, a_wrong_source_shows_in_the_reply_tuple) {
  const auto task = cell({.endpoints = {2}, .count = 10});
  for (std::uint32_t i = 0; i < 10; ++i) {
    answered(task, i);
    sent(task, i, endpoint(2), node_ip(1));
  }
  EXPECT_EQ(verdict().reason().code, ReasonCode::kSourceRewritten);
}

TEST_F(Reading, silence_names_where_the_flows_were_sent) {
  const auto task = cell({.endpoints = {2, 3}, .count = 24});
  for (std::uint32_t i = 0; i < 24; ++i) {
    i < 12 ? answered(task, i) : bench.timed_out(task, i);
    sent(task, i, endpoint(i < 12 ? 2 : 3));
  }
  EXPECT_EQ(verdict().reason().code, ReasonCode::kLost);
  EXPECT_THAT(
      verdict().reason().text,
      HasSubstr("got no answer; 12 of them were sent to node-3-pod-0:8080 (12); node-3-pod-0:8080 answered none"));
}

TEST_F(Reading, silence_of_which_nothing_is_known_says_so) {
  const auto task = cell({.count = 10});
  for (std::uint32_t i = 0; i < 10; ++i) bench.timed_out(task, i);
  EXPECT_EQ(verdict().reason().code, ReasonCode::kSilent);
  EXPECT_THAT(
      verdict().reason().text,
      HasSubstr("got no answer; connection tracking has none of them, which is so where their own node drops them"));
}

TEST_F(Reading, udp_needs_no_answer_where_its_translation_is_right) {
  const auto task = cell({.protocol = Protocol::kUdp, .count = 24});
  for (std::uint32_t i = 0; i < 24; ++i) {
    bench.timed_out(task, i);
    sent(task, i, endpoint(i % 2 == 0 ? 2 : 3));
  }
  EXPECT_EQ(verdict().verdict, Verdict::kPass) << verdict().reason().text;
  EXPECT_EQ(seen().outcomes.timed_out, 24U) << "what came back is told as it was";
}

TEST_F(Reading, udp_without_a_translation_is_not_judged) {
  const auto task = cell({.protocol = Protocol::kUdp, .count = 24});
  for (std::uint32_t i = 0; i < 24; ++i) bench.timed_out(task, i);
  EXPECT_EQ(verdict().verdict, Verdict::kInvalid);
  EXPECT_EQ(verdict().reason().code, ReasonCode::kNotSeen);
}

TEST_F(Reading, a_refused_udp_flow_is_red) {
  const auto task = cell({.protocol = Protocol::kUdp, .count = 24});
  for (std::uint32_t i = 0; i < 24; ++i) bench.refused(task, i, node_ip(1));
  EXPECT_EQ(verdict().reason().code, ReasonCode::kRefusedNotReplied);
}

TEST_F(Reading, an_answer_where_none_may_come_is_red_whoever_gave_it) {
  const auto task = cell({.outcomes = {false, true, false}, .count = 4});
  for (std::uint32_t i = 0; i < 4; ++i) answered(task, i);
  EXPECT_EQ(verdict().reason().code, ReasonCode::kRepliedNotRefused);
  EXPECT_THAT(verdict().reason().text, HasSubstr("by somebody (4)"));
}

TEST_F(Reading, a_service_that_changed_meanwhile_is_not_judged) {
  const auto task = cell({.count = 10});
  for (std::uint32_t i = 0; i < 10; ++i) bench.timed_out(task, i);
  bench.facts.stages[0].changed = {"default/web"};
  EXPECT_EQ(verdict().verdict, Verdict::kInvalid);
  EXPECT_EQ(verdict().reason().code, ReasonCode::kWorldChanged);
}

TEST_F(Reading, an_endpoint_that_does_not_answer_without_the_service_either_is_not_the_service_s_fault) {
  const auto control = bench.control(true, 3, 3);
  auto& stage = bench.plan.stages[0];
  stage.controls[control].foreign = true;
  auto& straight = stage.tasks.back().task;
  straight.foreign = true;
  straight.method = Method::kTcpSyn;
  straight.target = endpoint(2);
  const auto task = cell({.endpoints = {2}, .count = 10, .controls = {control}});
  for (std::uint32_t i = 0; i < 10; ++i) bench.timed_out(task, i);
  EXPECT_EQ(verdict().verdict, Verdict::kInvalid);
  EXPECT_EQ(verdict().reason().code, ReasonCode::kControlFailed);
  EXPECT_THAT(verdict().reason().text, HasSubstr("the endpoint node-2-pod-0:8080 itself does not answer node-1-pod-0"));
}

TEST_F(Reading, a_control_that_was_sent_elsewhere_does_not_hold) {
  const auto control = bench.control(true, 3, 0);
  auto& stage = bench.plan.stages[0];
  stage.controls[control].foreign = true;
  auto& straight = stage.tasks.back().task;
  straight.foreign = true;
  straight.method = Method::kTcpSyn;
  straight.target = endpoint(2);
  const auto id = straight.id;
  for (std::uint32_t i = 0; i < 3; ++i) sent(id, i, endpoint(3));
  const auto task = cell({.endpoints = {2}, .count = 4, .controls = {control}});
  for (std::uint32_t i = 0; i < 4; ++i) {
    answered(task, i);
    sent(task, i, endpoint(2));
  }
  EXPECT_EQ(verdict().reason().code, ReasonCode::kControlFailed);
}

}  // namespace
}  // namespace conntruth::judge
