// What the kernel itself drops, holds or sends back: each code by a walk that must give it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/evidence/cause.hpp"
#include "tests/unit/controller/evidence/walks.hpp"

namespace conntruth::evidence {
namespace {

constexpr auto kTimedOut = Outcome::kTimedOut;

TEST(CauseOfLoss, what_connection_tracking_throws_away_itself_had_no_room) {
  auto walk = WalkOf(kTimedOut);
  walk.step("node-1", "node-1-pod-0", HopKind::kDeviceOut, kClient, kEntry)
      .hook("node-1", NetfilterHook::kPrerouting, -201, kClient, kEntry)
      .drop("node-1", "", "NETFILTER_DROP", "nf_hook_slow", kClient, kEntry);
  const auto cause = find_cause(replied_cell(), walk);
  EXPECT_EQ(cause.code, CauseCode::kConntrackFull);
  EXPECT_EQ(cause.hook, "prerouting");
  Walk by_rule = walk;
  by_rule.rules.push_back({"node-1", {}});
  by_rule.rules.back().step.verdict = RuleVerdict::kDrop;
  EXPECT_EQ(find_cause(replied_cell(), by_rule).code, CauseCode::kDroppedByRule);
}

TEST(CauseOfLoss, what_is_let_out_and_sent_by_no_device_waits_for_its_next_hop) {
  auto walk = WalkOf(kTimedOut);
  walk.begins()
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kEndpoint)
      .hook("node-1", NetfilterHook::kPostrouting, 101, kClient, kEndpoint);
  EXPECT_EQ(find_cause(replied_cell(), walk).code, CauseCode::kNeighbourFailed);
  walk.step("node-1", "", HopKind::kDeviceOut, kClient, kEndpoint)
      .step("node-2", "", HopKind::kDeviceIn, kClient, kEndpoint);
  EXPECT_EQ(find_cause(replied_cell(), walk).code, CauseCode::kEndpointSilent)
      << "the node itself, for all that is known";
  walk.hook("node-2", NetfilterHook::kForward, -199, kClient, kEndpoint);
  EXPECT_EQ(find_cause(replied_cell(), walk).code, CauseCode::kUnexplained) << "on its way to a pod";
}

TEST(CauseOfLoss, a_bridge_that_does_not_send_back_what_came_in_by_a_port) {
  const SocketAddress self{kClient.address, 5000};
  auto walk = WalkOf(kTimedOut);
  walk.begins()
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, self)
      .drop("node-1", "", "NOT_SPECIFIED", "br_handle_frame_finish", kClient, self);
  auto cell = replied_cell();
  cell.expectation.endpoints = {self};
  const auto cause = find_cause(cell, walk);
  EXPECT_EQ(cause.code, CauseCode::kHairpinModeOff);
  EXPECT_EQ(cause.text,
            "node-1: tcp from 10.244.1.10:40000 to 10.96.0.10:80 had to go out of eth0 again, by which it came in: a "
            "port of a bridge without hairpin mode (br_handle_frame_finish), after translation to 10.244.1.10:5000");
}

TEST(CauseOfLoss, the_kernels_own_reasons_have_their_codes) {
  const auto code_of = [](const char* reason, const char* function = "somewhere") {
    return find_cause(replied_cell(),
                      WalkOf(kTimedOut).arrives().drop("node-2", "", reason, function, kClient, kEndpoint))
        .code;
  };
  EXPECT_EQ(code_of("NEIGH_FAILED"), CauseCode::kNeighbourFailed);
  EXPECT_EQ(code_of("IP_INNOROUTES"), CauseCode::kNoRoute);
  EXPECT_EQ(code_of("PKT_TOO_BIG"), CauseCode::kTooBig);
  EXPECT_EQ(code_of("NOT_SPECIFIED", "neigh_invalidate"), CauseCode::kNeighbourFailed);
  for (const auto* function : {"ip_error", "ip6_pkt_discard", "ip6_pkt_prohibit", "dst_discard"}) {
    EXPECT_EQ(code_of("NOT_SPECIFIED", function), CauseCode::kNoRoute) << function;
  }
}

TEST(CauseOfLoss, a_node_that_refuses_a_packet_on_its_way_is_no_endpoint_that_does) {
  auto walk = WalkOf(Outcome::kRefused);
  walk.begins().hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kEndpoint).icmp("node-1", "", 3, 1, kEndpoint);
  EXPECT_EQ(find_cause(replied_cell(), walk).code, CauseCode::kDropped);
  walk.drop("node-1", "", "NOT_SPECIFIED", "ip_error", kClient, kEndpoint);
  EXPECT_EQ(find_cause(replied_cell(), walk).code, CauseCode::kNoRoute);
}

TEST(CauseOfLoss, a_pod_that_gets_its_own_packet_back_by_a_wrong_translation_was_translated_elsewhere) {
  const SocketAddress self{kClient.address, 5000};
  auto walk = WalkOf(kTimedOut);
  walk.begins()
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, self)
      .step("node-1", "node-1-pod-0", HopKind::kDeviceIn, kClient, self);
  EXPECT_EQ(find_cause(replied_cell(), walk).code, CauseCode::kTranslatedElsewhere);
  EXPECT_EQ(find_cause(refused_cell(), walk).code, CauseCode::kTranslatedAnyway);
}

TEST(CauseOfLoss, a_pod_that_gets_its_own_packet_back_sees_itself_as_the_source) {
  auto walk = WalkOf(kTimedOut);
  const auto own = SocketAddress{kClient.address, 5000};
  walk.begins()
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, own)
      .step("node-1", "node-1-pod-0", HopKind::kDeviceIn, kClient, own);
  auto cell = replied_cell();
  cell.expectation.endpoints = {own};
  EXPECT_EQ(find_cause(cell, walk).code, CauseCode::kHairpinNotMasqueraded);
}

}  // namespace
}  // namespace conntruth::evidence
