// What witnesses tell, put together to a cause.
#include "controller/evidence/testimony.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/evidence/stage.hpp"

namespace conntruth::evidence {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class Told : public testing::Test {
 protected:
  Told() { testimony_.summon({{8, kTask, replied_cell().id, 60, 100}}); }
  [[nodiscard]] CellEvidence heard() const {
    return testimony_.hear(plan_, {{{{seen_}, {}}}, 0, 0}).at(plan_.stages[0].cells[0].id);
  }

  plan::Plan plan_ = one_cell();
  matrix::CellObservation seen_;
  Testimony testimony_;
};

TEST_F(Told, takes_what_is_of_witnesses_and_leaves_the_rest) {
  EXPECT_TRUE(testimony_.take(sample(8, 0, Outcome::kReplied)));
  EXPECT_FALSE(testimony_.take(sample(kTask, 0, Outcome::kReplied)));
}

TEST_F(Told, the_first_that_failed_and_was_seen_gives_the_cause) {
  testimony_.take(sample(8, 0, Outcome::kReplied));
  testimony_.take(sample(8, 2, Outcome::kTimedOut));
  testimony_.take(sample(8, 1, Outcome::kTimedOut));
  const Walk walk =
      WalkOf(Outcome::kTimedOut).begins().drop("node-1", "", "IP_INNOROUTES", "ip_error", kClient, kEntry);
  for (auto step : walk.steps) {
    step.hop.probe = probe_id(8, 2);
    testimony_.take(step.node, step.hop);
    testimony_.take(step.node, step.hop);
  }
  const auto evidence = heard();
  EXPECT_EQ(evidence.witnesses, 3U);
  EXPECT_EQ(evidence.failed, 2U);
  EXPECT_EQ(evidence.cause.code, CauseCode::kNotTranslated);
  EXPECT_EQ(evidence.walk.sample.id, probe_id(8, 2));
  EXPECT_THAT(evidence.walk.steps, SizeIs(walk.steps.size())) << "each once";
}

TEST_F(Told, what_becomes_of_a_new_flow_tells_an_old_entry_from_a_missing_rule) {
  testimony_.summon({{9, kTask, replied_cell().id, 60, 100, Question::kNewFlow}});
  const auto tell = [&](std::uint32_t task, const Walk& walk) {
    testimony_.take(sample(task, 0, walk.sample.outcome));
    for (auto step : walk.steps) {
      step.hop.probe = probe_id(task, 0);
      testimony_.take(step.node, step.hop);
    }
  };
  auto held = WalkOf(Outcome::kTimedOut);
  held.begins().confirmed().step("node-1", "", HopKind::kDeviceOut, kClient, kEntry);
  tell(8, held);
  EXPECT_EQ(heard().cause.code, CauseCode::kNotTranslated);
  tell(9, WalkOf(Outcome::kReplied).arrives());
  EXPECT_EQ(heard().cause.code, CauseCode::kStaleEntry);
  EXPECT_EQ(heard().witnesses, 1U) << "a new flow is none of those that were sent again";
}

TEST_F(Told, lost_events_are_noted_and_what_was_not_seen_then_proves_nothing) {
  testimony_.take(sample(8, 0, Outcome::kTimedOut));
  const Walk walk = WalkOf(Outcome::kTimedOut).arrives();
  for (auto step : walk.steps) {
    step.hop.probe = probe_id(8, 0);
    testimony_.take(step.node, step.hop);
  }
  EXPECT_EQ(heard().cause.code, CauseCode::kEndpointSilent);
  testimony_.lose("node-2", 12);
  EXPECT_EQ(heard().cause.code, CauseCode::kNoEvidence);
  EXPECT_THAT(testimony_.notes(), testing::Contains("node-2: 12 events of the packet walk were lost"));
}

TEST_F(Told, what_does_not_happen_again_has_no_cause) {
  testimony_.take(sample(8, 0, Outcome::kReplied));
  EXPECT_EQ(heard().cause.code, CauseCode::kNotReproduced);
  EXPECT_THAT(heard().cause.text, HasSubstr("60 of 100 flows failed; 1 more"));
}

TEST_F(Told, without_steps_or_samples_there_is_no_evidence) {
  EXPECT_EQ(heard().cause.code, CauseCode::kNoEvidence);
  testimony_.take(sample(8, 0, Outcome::kTimedOut));
  EXPECT_EQ(heard().cause.code, CauseCode::kNoEvidence);
}

// A SYN that a node takes for itself, or sends on.
Walk asked(const SocketAddress& destination) {
  auto walk = WalkOf(Outcome::kReplied);
  walk.begins().hook("node-1", NetfilterHook::kPrerouting, -99, kClient, destination);
  if (destination == kEntry) walk.hook("node-1", NetfilterHook::kInput, 101, kClient, kEntry);
  return walk;
}

class ToldOfServer : public Told {
 protected:
  ToldOfServer() {
    plan_ = http_cell();
    seen_.http = {{{503, 0, ""}, false, 8}};
  }
  void hear_of(Walk walk) {
    auto answered = sample(8, 0, walk.sample.outcome);
    answered.responder = 0;
    testimony_.take(answered);
    for (auto& step : walk.steps) {
      step.hop.probe = answered.id;
      testimony_.take(step.node, step.hop);
    }
  }
};

TEST_F(ToldOfServer, a_wrong_answer_is_the_nodes_own_where_nothing_led_the_packet_elsewhere) {
  hear_of(asked(kEntry));
  const auto cause = heard().cause;
  EXPECT_EQ(cause.code, CauseCode::kHealthAnswerWrong);
  EXPECT_EQ(cause.node, "node-1");
  EXPECT_THAT(cause.text, HasSubstr("said 503 (0 local) in 8; expected 200 (1 local)"));
}

TEST_F(ToldOfServer, a_node_that_sends_it_on_to_another_is_the_cause) {
  hear_of(asked(kOther));
  EXPECT_EQ(heard().cause.code, CauseCode::kTranslatedElsewhere);
}

TEST_F(ToldOfServer, right_answers_that_were_lost_before_are_not_reproduced_by_a_syn) {
  seen_.http = {{{200, 1, ""}, true, 7}};
  hear_of(asked(kEntry));
  EXPECT_EQ(heard().cause.code, CauseCode::kNotReproduced);
}

TEST_F(ToldOfServer, a_port_where_nobody_listens_is_refused_by_the_node) {
  seen_.http.clear();
  auto walk = WalkOf(Outcome::kRefused);
  walk.begins().step("node-1", "", HopKind::kReset, kClient, kEntry);
  hear_of(walk);
  EXPECT_EQ(heard().cause.code, CauseCode::kEndpointRefused);
}

class ToldOfChoice : public Told {
 protected:
  ToldOfChoice() {
    plan_ = two_endpoints();
    testimony_ = {};
    testimony_.summon({{8, kTask, replied_cell().id, 0, 100, Question::kChoice}});
  }
  void chosen(std::uint32_t sequence, const SocketAddress& endpoint, const std::string& node = "node-1") {
    testimony_.take(sample(8, sequence, Outcome::kReplied));
    Walk walk = WalkOf(Outcome::kReplied).begins().hook(node, NetfilterHook::kPrerouting, -99, kClient, endpoint);
    for (auto& step : walk.steps) {
      step.hop.probe = probe_id(8, sequence);
      testimony_.take(step.node, step.hop);
    }
  }
  [[nodiscard]] plan::Cell& cell() { return plan_.stages[0].cells[0]; }
};

TEST_F(ToldOfChoice, an_endpoint_that_no_flow_was_ever_translated_to) {
  seen_.responders = {{kResponder, true, 100, 0}};
  chosen(0, kEndpoint);
  chosen(1, kEndpoint);
  const auto cause = heard().cause;
  EXPECT_EQ(cause.code, CauseCode::kEndpointNeverChosen);
  EXPECT_EQ(cause.node, "node-1");
  EXPECT_THAT(cause.text, HasSubstr("none ever to 10.244.3.10:5000"));
  chosen(2, kOther);
  EXPECT_EQ(heard().cause.code, CauseCode::kUnevenChoice);
}

TEST_F(ToldOfChoice, of_rules_that_translate_the_first_at_the_hook_is_named_and_else_that_of_what_is_chosen_most) {
  const auto by = [&](std::uint32_t sequence, std::int32_t priority, const char* text) {
    RuleStep rule;
    rule.probe = probe_id(8, sequence);
    rule.hook = NetfilterHook::kPrerouting;
    rule.priority = priority;
    rule.nat = true;
    rule.event = RuleEvent::kRule;
    rule.verdict = RuleVerdict::kAccept;
    rule.text = text;
    testimony_.take("node-1", rule);
  };
  seen_.responders = {{kResponder, true, 20, 0}, {kResponder + 1, true, 80, 0}};
  chosen(0, kEndpoint);
  chosen(1, kOther);
  by(0, -100, "dnat to seldom");
  by(1, -100, "dnat to often");
  EXPECT_THAT(heard().cause.rule, HasSubstr("dnat to often"));
  chosen(2, kEndpoint);
  by(2, -101, "dnat to thief");
  EXPECT_THAT(heard().cause.rule, HasSubstr("dnat to thief"));
}

TEST_F(ToldOfChoice, affinity_that_does_not_hold_is_two_endpoints_and_else_it_did_not_come_again) {
  cell().expectation.spread = Spread::kSticky;
  chosen(0, kEndpoint);
  chosen(1, kEndpoint);
  EXPECT_EQ(heard().cause.code, CauseCode::kNotReproduced);
  chosen(2, kOther);
  EXPECT_EQ(heard().cause.code, CauseCode::kAffinityNotKept);
}

TEST_F(ToldOfChoice, affinity_that_does_not_end_is_the_endpoint_of_before) {
  cell().rule = plan::CellRule::kRotate;
  seen_.responders = {{kResponder, true, 6, 0}};
  chosen(0, kEndpoint);
  chosen(1, kEndpoint);
  EXPECT_EQ(heard().cause.code, CauseCode::kAffinityNotEnded);
  seen_.responders = {{kResponder + 1, true, 6, 0}};
  EXPECT_EQ(heard().cause.code, CauseCode::kNotReproduced);
}

TEST_F(ToldOfChoice, nobody_is_blamed_where_nodes_do_not_agree_or_none_was_seen_to_choose) {
  testimony_.take(sample(8, 9, Outcome::kReplied));
  EXPECT_EQ(heard().cause.code, CauseCode::kUnexplained);
  chosen(0, kEndpoint);
  chosen(1, kEndpoint, "node-3");
  EXPECT_EQ(heard().cause.code, CauseCode::kUnexplained);
}

// A connection that is asked on in a second stage.
class ToldOfConnection : public Told {
 protected:
  ToldOfConnection() {
    auto& stage = plan_.stages[0];
    stage.cells[0].rule = plan::CellRule::kKept;
    stage.cells[0].step = "opened";
    stage.tasks[0].task.method = Method::kTcpSocket;
    auto later = stage;
    later.tasks[0].task.id = kTask + 20;
    later.cells[0].tasks = {kTask + 20};
    later.cells[0].earlier = {kTask};
    later.cells[0].id += "/later";
    plan_.stages.push_back(later);
    seen_.received = later_.received = 16;
    seen_.outcomes.refused = 4;
    later_.outcomes.refused = 16;
  }
  [[nodiscard]] std::map<std::string, CellEvidence> heard() const {
    return testimony_.hear(plan_, {{{{seen_}, {}}, {{later_}, {}}}, 0, 0});
  }
  void refused_by_rule() {
    Walk walk =
        WalkOf(Outcome::kRefused).begins().drop("node-1", "", "NETFILTER_DROP", "nft_do_chain", kClient, kOther);
    testimony_.take(sample(8, 0, Outcome::kReplied));
    testimony_.take(sample(8, 1, Outcome::kRefused));
    for (auto& step : walk.steps) {
      step.hop.conntrack.info = ConntrackInfo::kEstablished;
      for (const auto sequence : {0U, 1U}) {
        step.hop.probe = probe_id(8, sequence);
        testimony_.take(step.node, step.hop);
      }
    }
  }
  matrix::CellObservation later_;
};

TEST_F(ToldOfConnection, what_is_opened_anew_may_have_another_endpoint_and_an_entry_that_is_its_own) {
  refused_by_rule();
  const auto evidence = heard().at(plan_.stages[0].cells[0].id);
  EXPECT_EQ(evidence.failed, 1U);
  EXPECT_EQ(evidence.cause.code, CauseCode::kRefusedByRule);
}

TEST_F(ToldOfConnection, what_ended_it_in_one_step_is_why_it_is_ended_in_the_next) {
  refused_by_rule();
  const auto& id = plan_.stages[1].cells[0].id;
  ASSERT_TRUE(heard().contains(id));
  EXPECT_EQ(heard().at(id).cause.code, CauseCode::kRefusedByRule);
  EXPECT_THAT(heard().at(id).cause.text, HasSubstr("ended in step opened: node-1"));
  seen_.outcomes.refused = 0;
  EXPECT_FALSE(heard().contains(id));
}

TEST_F(Told, a_name_is_wrong_by_what_the_server_said) {
  auto& cell = plan_.stages[0].cells[0];
  cell.flow.entry.kind = EntryKind::kName;
  cell.flow.entry.name = "web.shop.svc.cluster.local";
  cell.expectation.name = NameAnswer{0, "", {kEndpoint.address}};
  seen_.lookups = {{{NameAnswer::kNoSuchName, "", {}}, false, 3}};
  const auto cause = heard().cause;
  EXPECT_EQ(cause.code, CauseCode::kNameAnswerWrong);
  EXPECT_THAT(cause.text, HasSubstr("NXDOMAIN in 3; expected 10.244.2.10"));
}

}  // namespace
}  // namespace conntruth::evidence
