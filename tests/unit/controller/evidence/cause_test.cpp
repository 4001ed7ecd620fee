// Each code by a walk that must give it. The walks are such as real kernels gave; tests/lab takes them from packets.
#include "controller/evidence/cause.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "tests/unit/controller/evidence/walks.hpp"

namespace conntruth::evidence {
namespace {

using testing::HasSubstr;

constexpr auto kTimedOut = Outcome::kTimedOut;

TEST(Cause, a_packet_that_nothing_translates_is_dropped_for_want_of_a_route) {
  const auto cause = find_cause(
      replied_cell(), WalkOf(kTimedOut).begins().drop("node-1", "", "IP_INNOROUTES", "ip_error", kClient, kEntry));
  EXPECT_EQ(cause.code, CauseCode::kNotTranslated);
  EXPECT_EQ(cause.node, "node-1");
  EXPECT_EQ(cause.hook, "prerouting");
  EXPECT_EQ(cause.text,
            "node-1: tcp from 10.244.1.10:40000 to 10.96.0.10:80 was not translated (no rule at prerouting "
            "matched), then dropped: IP_INNOROUTES in ip_error");
}

TEST(Cause, an_endpoint_that_hints_leave_out_is_told_with_what_they_say) {
  auto cell = replied_cell();
  cell.expectation.rules = {{"cluster-endpoints", "3 of 3 endpoints are ready", ""},
                            {"hints-zone", "all 3 ready endpoints have zone hints and 1 name zone-a", ""}};
  const auto cause = find_cause(
      cell, WalkOf(Outcome::kReplied).begins().hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kOther));
  EXPECT_EQ(cause.code, CauseCode::kTranslatedElsewhere);
  EXPECT_THAT(cause.text, HasSubstr("to 10.244.3.10:5000, which is no endpoint of this entry (hints-zone: all 3 ready "
                                    "endpoints have zone hints and 1 name zone-a)"));
}

TEST(Cause, what_was_translated_before_it_was_a_packet_was_translated_at_the_socket) {
  auto walk = WalkOf(Outcome::kReplied);
  walk.hook("node-1", NetfilterHook::kOutput, -201, kClient, kOther);
  const auto cause = find_cause(replied_cell(), walk);
  EXPECT_EQ(cause.code, CauseCode::kTranslatedElsewhere);
  EXPECT_EQ(cause.hook, "socket");
  EXPECT_THAT(cause.text, HasSubstr("to 10.244.3.10:5000 at the socket, before it was a packet, which is no endpoint"));
  auto by_rule = WalkOf(Outcome::kReplied);
  by_rule.hook("node-1", NetfilterHook::kOutput, -201, kClient, kEntry);
  by_rule.hook("node-1", NetfilterHook::kOutput, -99, kClient, kOther);
  EXPECT_EQ(find_cause(replied_cell(), by_rule).hook, "output");
}

TEST(Cause, a_packet_that_leaves_for_the_clusters_range_untranslated_and_vanishes_was_not_translated) {
  const auto cause =
      find_cause(replied_cell(), WalkOf(kTimedOut).begins().step("node-1", "", HopKind::kDeviceOut, kClient, kEntry));
  EXPECT_EQ(cause.code, CauseCode::kNotTranslated);
  EXPECT_EQ(cause.node, "node-1");
}

TEST(Cause, what_is_refused_because_nothing_translated_it_was_not_translated) {
  auto walk = WalkOf(Outcome::kRefused);
  walk.begins()
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kEntry)
      .hook("node-1", NetfilterHook::kForward, -199, kClient, kEntry)
      .drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kClient, kEntry);
  const auto cause = find_cause(replied_cell(), walk);
  EXPECT_EQ(cause.code, CauseCode::kNotTranslated);
  EXPECT_THAT(cause.text, HasSubstr("(no rule at prerouting matched), then refused by a packet filter's rule"));
}

TEST(Cause, a_rule_that_drops_is_told_from_the_kernels_own_drops) {
  auto walk = WalkOf(kTimedOut);
  walk.begins()
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kEndpoint)
      .drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kClient, kEndpoint);
  const auto cause = find_cause(replied_cell(), walk);
  EXPECT_EQ(cause.code, CauseCode::kDroppedByRule);
  EXPECT_THAT(cause.text, HasSubstr("after translation to 10.244.2.10:5000"));
  EXPECT_THAT(cause.text, HasSubstr("at or after prerouting -99"));
  const auto other = find_cause(
      replied_cell(), WalkOf(kTimedOut).arrives().drop("node-2", "", "TCP_CSUM", "tcp_v4_rcv", kClient, kEndpoint));
  EXPECT_EQ(other.code, CauseCode::kDropped);
  EXPECT_EQ(other.node, "node-2");
  EXPECT_THAT(other.text, HasSubstr("TCP_CSUM in tcp_v4_rcv"));
}

TEST(Cause, a_rule_behind_the_translation_that_did_not_happen_is_not_to_blame) {
  const auto at = [](NetfilterHook hook, std::int32_t priority) {
    auto walk = WalkOf(kTimedOut);
    walk.begins().hook("node-1", hook, priority, kClient, kEntry);
    walk.drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kClient, kEntry);
    return find_cause(replied_cell(), walk).code;
  };
  EXPECT_EQ(at(NetfilterHook::kPrerouting, -199), CauseCode::kDroppedByRule);
  EXPECT_EQ(at(NetfilterHook::kPrerouting, -99), CauseCode::kNotTranslated);
  EXPECT_EQ(at(NetfilterHook::kForward, -199), CauseCode::kNotTranslated);
}

TEST(Cause, a_packet_that_may_not_be_tracked_is_not_translated) {
  auto walk = WalkOf(kTimedOut);
  walk.hook("node-1", NetfilterHook::kPrerouting, -199, kClient, kEntry, ConntrackInfo::kUntracked)
      .drop("node-1", "", "IP_INNOROUTES", "ip_error", kClient, kEntry);
  EXPECT_EQ(find_cause(replied_cell(), walk).code, CauseCode::kUntracked);
}

TEST(Cause, an_old_entry_is_told_from_a_wrong_rule) {
  auto stale = WalkOf(kTimedOut);
  stale.step("node-1", "node-1-pod-0", HopKind::kDeviceOut, kClient, kEntry)
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kOther, ConntrackInfo::kEstablished)
      .confirmed();
  EXPECT_EQ(find_cause(replied_cell(), stale).code, CauseCode::kStaleEntry);
  auto wrong = WalkOf(Outcome::kReplied);
  wrong.begins().hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kOther);
  const auto cause = find_cause(replied_cell(), wrong);
  EXPECT_EQ(cause.code, CauseCode::kTranslatedElsewhere);
  EXPECT_THAT(cause.text, HasSubstr("to 10.244.3.10:5000, which is no endpoint of this entry"));
}

// The entry of a flow that began before there was a rule keeps it from all rules that come later.
TEST(Cause, an_old_entry_without_translation_is_told_from_a_missing_rule_by_a_new_flow) {
  auto held = WalkOf(kTimedOut);
  held.step("node-1", "node-1-pod-0", HopKind::kDeviceOut, kClient, kEntry)
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kEntry)
      .confirmed()
      .step("node-1", "", HopKind::kDeviceOut, kClient, kEntry);
  const Walk translated = WalkOf(Outcome::kReplied).arrives();
  const auto cause = find_cause(replied_cell(), held, {translated});
  EXPECT_EQ(cause.code, CauseCode::kStaleEntry);
  EXPECT_EQ(cause.hook, "prerouting");
  EXPECT_THAT(cause.text, HasSubstr("its conntrack entry is of an earlier packet and has no translation; a new flow "
                                    "was translated to 10.244.2.10:5000"));
  const Walk untranslated = WalkOf(kTimedOut).begins().step("node-1", "", HopKind::kDeviceOut, kClient, kEntry);
  EXPECT_EQ(find_cause(replied_cell(), held, {untranslated}).code, CauseCode::kNotTranslated);
  EXPECT_EQ(find_cause(replied_cell(), held).code, CauseCode::kNotTranslated);
  EXPECT_EQ(find_cause(replied_cell(), untranslated, {translated}).code, CauseCode::kNotTranslated)
      << "its entry is new";
}

TEST(Cause, an_answer_that_is_no_part_of_the_connection_is_invalid_and_reset) {
  auto walk = WalkOf(kTimedOut);
  walk.arrives()
      .back()
      .hook("node-1", NetfilterHook::kPrerouting, -199, kEndpoint, kClient, ConntrackInfo::kInvalid)
      .step("node-1", "node-1-pod-0", HopKind::kDeviceIn, kEndpoint, kClient)
      .step("node-1", "node-1-pod-0", HopKind::kReset, kEndpoint, kClient);
  const auto cause = find_cause(replied_cell(), walk);
  EXPECT_EQ(cause.code, CauseCode::kInvalid);
  EXPECT_EQ(cause.node, "node-1");
  EXPECT_EQ(cause.hook, "prerouting");
  EXPECT_THAT(cause.text, HasSubstr("it kept the source 10.244.2.10:5000, and node-1-pod-0 reset the connection"));
}

TEST(Cause, an_answer_where_none_may_come_is_a_translation_that_should_not_be) {
  auto walk = WalkOf(Outcome::kReplied);
  walk.begins().hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kOther);
  EXPECT_EQ(find_cause(refused_cell(), walk).code, CauseCode::kTranslatedAnyway);
}

TEST(Cause, what_has_to_be_refused_and_is_dropped_says_so) {
  const auto cause = find_cause(
      refused_cell(), WalkOf(kTimedOut).begins().drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kClient, kEntry));
  EXPECT_EQ(cause.code, CauseCode::kDroppedNotRefused);
}

TEST(Cause, a_refusal_that_does_not_come_back_is_no_drop_of_the_request) {
  EXPECT_EQ(find_cause(refused_cell(), WalkOf(kTimedOut).begins().icmp("node-1", "", 3, 3)).code,
            CauseCode::kRefusalLost);
  auto thrown_away = WalkOf(kTimedOut);
  thrown_away.begins().drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kClient, kEntry).back();
  thrown_away.drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kEntry, kClient);
  EXPECT_EQ(find_cause(refused_cell(), thrown_away).code, CauseCode::kRefusalLost);
}

TEST(Cause, a_rule_that_refuses_is_told_from_an_endpoint_that_does) {
  auto rule = WalkOf(Outcome::kRefused);
  rule.begins().icmp("node-1", "", 3, 3).drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kClient, kEntry);
  EXPECT_EQ(find_cause(replied_cell(), rule).code, CauseCode::kRefusedByRule);
  auto endpoint = WalkOf(Outcome::kRefused);
  endpoint.arrives()
      .icmp("node-2", "node-2-pod-0", 3, 3)
      .drop("node-2", "node-2-pod-0", "NO_SOCKET", "udp_unicast_rcv_skb", kClient, kEndpoint);
  const auto cause = find_cause(replied_cell(), endpoint);
  EXPECT_EQ(cause.code, CauseCode::kEndpointRefused);
  EXPECT_EQ(cause.node, "node-2");
  auto host = WalkOf(Outcome::kRefused);
  host.begins().icmp("node-1", "", 3, 3).drop("node-1", "", "NO_SOCKET", "udp_unicast_rcv_skb", kClient, kEntry);
  EXPECT_EQ(find_cause(replied_cell(), host).code, CauseCode::kNotTranslated);
}

TEST(Cause, what_had_to_be_refused_and_went_on_as_it_was_was_taken_by_no_rule) {
  auto walk = WalkOf(kTimedOut);
  walk.begins().step("node-1", "", HopKind::kDeviceOut, kClient, kEntry);
  const auto cause = find_cause(refused_cell(), walk);
  EXPECT_EQ(cause.code, CauseCode::kNotTranslated);
  EXPECT_THAT(cause.text, HasSubstr("was taken by no rule (no rule at prerouting matched)"));
  auto nobodys = refused_cell();
  nobodys.flow.entry.kind = EntryKind::kUnallocated;
  EXPECT_EQ(find_cause(nobodys, walk).code, CauseCode::kLostBetweenNodes);
}

TEST(Cause, a_node_that_answers_with_an_abort_what_no_rule_took) {
  auto walk = WalkOf(Outcome::kRefused);
  walk.begins().hook("node-2", NetfilterHook::kInput, 101, kClient, kEntry);
  EXPECT_EQ(find_cause(replied_cell(), walk).code, CauseCode::kUnexplained);
  Walk aborted = walk;
  aborted.sample.refusal.kind = RefusalKind::kAbort;
  const auto cause = find_cause(replied_cell(), aborted);
  EXPECT_EQ(cause.code, CauseCode::kNotTranslated);
  EXPECT_EQ(cause.node, "node-2");
}

TEST(Cause, a_node_masquerades_what_it_sent_itself_with_its_own_address) {
  auto cell = replied_cell();
  cell.expectation.source = SourceRule::kNode;
  const auto sent_from = [](const char* place) {
    auto walk = WalkOf(kTimedOut);
    walk.step("node-1", place, HopKind::kDeviceOut, kClient, kEntry)
        .hook("node-1", NetfilterHook::kOutput, -99, kClient, kEndpoint)
        .back()
        .step("node-1", "", HopKind::kDeviceIn, kEndpoint, kClient);
    return walk;
  };
  EXPECT_EQ(find_cause(cell, sent_from("node-1-pod-0")).code, CauseCode::kMasqueradeMissing);
  EXPECT_NE(find_cause(cell, sent_from("")).code, CauseCode::kMasqueradeMissing);
}

// As connection tracking gives a flow another port that would look like one that is there.
TEST(Cause, a_source_that_got_another_port_alone_is_not_masqueraded) {
  auto cell = replied_cell();
  cell.expectation.source = SourceRule::kClientOrNode;
  const auto other_port = address("10.244.1.10:30781");
  auto walk = WalkOf(kTimedOut);
  walk.begins()
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kEndpoint)
      .step("node-1", "", HopKind::kDeviceOut, other_port, kEndpoint)
      .back()
      .step("node-1", "node-1-pod-0", HopKind::kDeviceIn, kEndpoint, other_port);
  EXPECT_EQ(find_cause(cell, walk).code, CauseCode::kMasqueradeMissing);
}

TEST(Cause, a_client_that_refuses_an_answer_which_it_does_not_know_is_no_refusal_of_the_probe) {
  auto cell = replied_cell();
  cell.expectation.source = SourceRule::kNode;
  auto walk = WalkOf(kTimedOut);
  walk.arrives()
      .back()
      .step("node-1", "node-1-pod-0", HopKind::kDeviceIn, kEndpoint, kClient)
      .icmp("node-1", "node-1-pod-0", 3, 3);
  EXPECT_EQ(find_cause(cell, walk).code, CauseCode::kMasqueradeMissing);
}

TEST(Cause, a_node_port_is_not_the_matter_of_a_node_that_passes_it_on) {
  auto cell = replied_cell();
  cell.flow.entry.kind = EntryKind::kNodePort;
  cell.flow.entry.node = "node-3";
  auto lost = WalkOf(kTimedOut);
  lost.begins().step("node-1", "", HopKind::kDeviceOut, kClient, kEntry);
  EXPECT_EQ(find_cause(cell, lost).code, CauseCode::kLostBetweenNodes);
  auto dropped = WalkOf(kTimedOut);
  dropped.begins()
      .hook("node-1", NetfilterHook::kForward, -199, kClient, kEntry)
      .drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kClient, kEntry);
  EXPECT_EQ(find_cause(cell, dropped).code, CauseCode::kDroppedByRule);
  cell.flow.entry.node = "node-1";
  EXPECT_EQ(find_cause(cell, lost).code, CauseCode::kNotTranslated);
  EXPECT_EQ(find_cause(cell, dropped).code, CauseCode::kNotTranslated);
}

TEST(Cause, nothing_follows_from_what_was_not_seen_where_steps_were_lost) {
  Walk silent = WalkOf(kTimedOut).arrives();
  EXPECT_EQ(find_cause(replied_cell(), silent).code, CauseCode::kEndpointSilent);
  silent.gaps = {"node-2 lost 12 events"};
  const auto nothing = find_cause(replied_cell(), silent);
  EXPECT_EQ(nothing.code, CauseCode::kNoEvidence);
  EXPECT_EQ(nothing.text, "what was seen of it may not be whole: node-2 lost 12 events");
  Walk dropped = WalkOf(kTimedOut).begins().drop("node-1", "", "IP_INNOROUTES", "ip_error", kClient, kEndpoint);
  dropped.gaps = silent.gaps;
  EXPECT_EQ(find_cause(replied_cell(), dropped).code, CauseCode::kNoRoute) << "what was seen was seen";
}

TEST(Cause, rules_that_know_nothing_of_a_service_throw_it_away_instead_of_refusing_it) {
  const auto met = [](RuleEvent event, RuleVerdict verdict, const char* table, const char* text) {
    RuleStep step;
    step.event = event;
    step.verdict = verdict;
    step.hook = NetfilterHook::kForward;
    step.table = table;
    step.text = text;
    return MetRule{"node-1", step};
  };
  Walk walk = WalkOf(kTimedOut)
                  .begins()
                  .hook("node-1", NetfilterHook::kForward, -199, kClient, kEntry)
                  .drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kClient, kEntry);
  const auto miss =
      met(RuleEvent::kMiss, RuleVerdict::kContinue, "ip proxy", "no element 10.96.0.10 . tcp . 80 in map x");
  walk.rules = {miss, met(RuleEvent::kRule, RuleVerdict::kDrop, "ip proxy", "ip daddr 10.96.0.0/16 drop")};
  const auto unknown = find_cause(refused_cell(), walk);
  EXPECT_EQ(unknown.code, CauseCode::kNotTranslated);
  EXPECT_THAT(unknown.text, HasSubstr("was taken by no rule (no rule at prerouting matched), then thrown away by"));
  walk.rules.back().step.table = "inet planted";
  EXPECT_EQ(find_cause(refused_cell(), walk).code, CauseCode::kDroppedNotRefused) << "somebody else's";
  walk.rules = {met(RuleEvent::kRule, RuleVerdict::kDrop, "ip proxy", "ip daddr 10.96.0.10 drop")};
  EXPECT_EQ(find_cause(refused_cell(), walk).code, CauseCode::kDroppedNotRefused) << "known, and dropped";
}

TEST(Cause, a_packet_that_leaves_one_node_and_never_comes_to_the_next_is_lost_between_them) {
  auto walk = WalkOf(kTimedOut);
  walk.begins()
      .hook("node-1", NetfilterHook::kPrerouting, -99, kClient, kEndpoint)
      .step("node-1", "", HopKind::kDeviceOut, kClient, kEndpoint);
  const auto cause = find_cause(replied_cell(), walk);
  EXPECT_EQ(cause.code, CauseCode::kLostBetweenNodes);
  EXPECT_THAT(cause.text, HasSubstr("left by eth0 and was never seen again"));
}

TEST(Cause, an_endpoint_that_sends_nothing_is_silent) {
  const auto cause = find_cause(replied_cell(), WalkOf(kTimedOut).arrives());
  EXPECT_EQ(cause.code, CauseCode::kEndpointSilent);
  EXPECT_EQ(cause.node, "node-2");
}

TEST(Cause, answers_are_dropped_lost_or_come_untranslated) {
  auto dropped = WalkOf(kTimedOut);
  dropped.arrives()
      .back()
      .step("node-2", "", HopKind::kDeviceIn, kEndpoint, kClient)
      .drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kEndpoint, kClient);
  EXPECT_EQ(find_cause(replied_cell(), dropped).code, CauseCode::kReplyDropped);
  auto dropped_at_client = WalkOf(kTimedOut);
  dropped_at_client.arrives().back().drop("node-1", "node-1-pod-0", "NETFILTER_DROP", "nft_do_chain", kEndpoint,
                                          kClient);
  EXPECT_EQ(find_cause(replied_cell(), dropped_at_client).code, CauseCode::kReplyDropped);
  auto lost = WalkOf(kTimedOut);
  lost.arrives().back().step("node-2", "", HopKind::kDeviceOut, kEndpoint, kClient);
  EXPECT_EQ(find_cause(replied_cell(), lost).code, CauseCode::kReplyLost);
  auto untracked = WalkOf(kTimedOut);
  untracked.arrives()
      .back()
      .hook("node-1", NetfilterHook::kPrerouting, -199, kEndpoint, kClient, ConntrackInfo::kUntracked)
      .drop("node-1", "", "NO_SOCKET", "tcp_v4_rcv", kEndpoint, kClient);
  EXPECT_EQ(find_cause(replied_cell(), untracked).code, CauseCode::kReplyUntranslated);
  auto plain = WalkOf(kTimedOut);
  plain.arrives().back().step("node-1", "node-1-pod-0", HopKind::kDeviceIn, kEndpoint, kClient);
  const auto cause = find_cause(replied_cell(), plain);
  EXPECT_EQ(cause.code, CauseCode::kReplyUntranslated);
  EXPECT_THAT(cause.text, HasSubstr("with the source 10.244.2.10:5000"));
}

TEST(Cause, a_source_that_had_to_change_or_to_stay) {
  auto cell = replied_cell();
  cell.expectation.source = SourceRule::kNode;
  auto cause = find_cause(cell, WalkOf(Outcome::kReplied).arrives());
  EXPECT_EQ(cause.code, CauseCode::kMasqueradeMissing);
  cell.expectation.source = SourceRule::kClient;
  auto walk = WalkOf(Outcome::kReplied);
  walk.arrives().step("node-2", "node-2-pod-0", HopKind::kDeviceIn, address("172.31.0.11:40000"), kEndpoint);
  cause = find_cause(cell, walk);
  EXPECT_EQ(cause.code, CauseCode::kMasqueradeTooMuch);
  EXPECT_THAT(cause.text, HasSubstr("got the source 172.31.0.11:40000 instead of 10.244.1.10:40000"));
}

TEST(Cause, a_walk_of_nothing_is_no_evidence) {
  EXPECT_EQ(find_cause(replied_cell(), WalkOf(kTimedOut)).code, CauseCode::kNoEvidence);
}

TEST(Cause, every_code_has_a_row_in_the_documentation) {
  std::stringstream text;
  text << std::ifstream(CONNTRUTH_SOURCE_DIR "/docs/causes.md").rdbuf();
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kCauseCodes; ++i) {
    const auto code = static_cast<CauseCode>(i);
    EXPECT_THAT(text.str(),
                HasSubstr(std::string("| `") + std::string(to_string(code)) + "` | " + std::string(explanation(code))));
    EXPECT_TRUE(names.insert(to_string(code)).second);
  }
}

}  // namespace
}  // namespace conntruth::evidence
