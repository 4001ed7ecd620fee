// Which rule a cause names, by traces such as real kernels gave of the lab's proxy, of kube-proxy and of planted rules.
#include "controller/evidence/rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/evidence/walks.hpp"

namespace conntruth::evidence {
namespace {

using testing::HasSubstr;
using testing::Not;

// A trace of node-1, step by step.
class Trace {
 public:
  explicit Trace(std::string table = "ip kube-proxy") : table_(std::move(table)) {}
  Trace& at(NetfilterHook hook, std::int32_t priority, bool nat) {
    hook_ = hook;
    priority_ = priority;
    nat_ = nat;
    return *this;
  }
  Trace& table(std::string name) {
    table_ = std::move(name);
    return *this;
  }
  Trace& rule(const char* chain, const char* text, RuleVerdict verdict = RuleVerdict::kContinue, const char* to = "") {
    auto& step = add(RuleEvent::kRule, chain);
    step.text = text;
    step.verdict = verdict;
    step.to = to;
    step.handle = 4;
    return *this;
  }
  Trace& miss(const char* chain, const char* text) {
    auto& step = add(RuleEvent::kMiss, chain);
    step.text = text;
    step.handle = 12;
    return *this;
  }
  Trace& ends(const char* chain) {
    add(RuleEvent::kEnd, chain);
    return *this;
  }
  Trace& mark(std::uint32_t mark) {
    mark_ = walk_.rules.back().step.mark = mark;
    return *this;
  }
  Trace& back() {
    answer_ = true;
    return *this;
  }
  [[nodiscard]] const Walk& walk() const { return walk_; }
  [[nodiscard]] std::string named(CauseCode code, const plan::Cell& cell = replied_cell()) const {
    Cause cause{code, "node-1", "", "", "what happened"};
    name_rule(cell, walk_, cause);
    EXPECT_EQ(cause.text, cause.rule.empty() ? "what happened" : "what happened: " + cause.rule);
    return cause.rule;
  }

 private:
  RuleStep& add(RuleEvent event, const char* chain) {
    RuleStep step;
    step.order = static_cast<std::uint32_t>(walk_.rules.size());
    step.answer = answer_;
    step.hook = hook_;
    step.priority = priority_;
    step.nat = nat_;
    step.event = event;
    step.table = table_;
    step.chain = chain;
    step.mark = mark_;
    walk_.rules.push_back({"node-1", step});
    return walk_.rules.back().step;
  }
  Walk walk_;
  std::string table_;
  NetfilterHook hook_ = NetfilterHook::kPrerouting;
  std::int32_t priority_ = 0;
  bool nat_ = false;
  bool answer_ = false;
  std::uint32_t mark_ = 0;
};

TEST(CauseRule, a_drop_is_named_with_table_chain_and_handle) {
  auto trace = Trace("inet planted").at(NetfilterHook::kForward, 0, false);
  trace.rule("forward", "ip saddr 10.244.1.0/24 drop", RuleVerdict::kDrop);
  const std::string_view rule = "ip saddr 10.244.1.0/24 drop (table inet planted, chain forward, handle 4)";
  for (const auto code : {CauseCode::kDroppedByRule, CauseCode::kRefusedByRule, CauseCode::kDroppedNotRefused})
    EXPECT_EQ(trace.named(code), rule);
  EXPECT_EQ(trace.named(CauseCode::kReplyDropped), "") << "it is on the way there";
  EXPECT_EQ(trace.named(CauseCode::kNoRoute), "") << "no rule's affair";
}

TEST(CauseRule, a_drop_of_the_answer_is_the_answer_s) {
  auto trace = Trace("inet planted").back().at(NetfilterHook::kForward, 0, false);
  trace.rule("forward", "th sport 80 drop", RuleVerdict::kDrop);
  EXPECT_THAT(trace.named(CauseCode::kReplyDropped), HasSubstr("th sport 80 drop"));
  EXPECT_THAT(trace.named(CauseCode::kRefusalLost), HasSubstr("th sport 80 drop"));
  EXPECT_EQ(trace.named(CauseCode::kDroppedByRule), "");
}

TEST(CauseRule, another_node_s_rules_are_not_this_one_s) {
  auto trace = Trace("inet planted").rule("forward", "drop", RuleVerdict::kDrop);
  auto walk = trace.walk();
  walk.rules.front().node = "node-2";
  Cause cause{CauseCode::kDroppedByRule, "node-1", "", "", "x"};
  name_rule(replied_cell(), walk, cause);
  EXPECT_EQ(cause.rule, "");
}

TEST(CauseRule, a_policy_that_drops_is_named) {
  auto trace = Trace("inet strict").at(NetfilterHook::kForward, 0, false).ends("forward");
  auto walk = trace.walk();
  walk.rules.front().step.event = RuleEvent::kPolicy;
  walk.rules.front().step.verdict = RuleVerdict::kDrop;
  Cause cause{CauseCode::kDroppedByRule, "node-1", "", "", "x"};
  name_rule(replied_cell(), walk, cause);
  EXPECT_EQ(cause.rule, "policy drop (table inet strict, chain forward)");
}

Trace service_ips_missed() {
  return Trace()
      .at(NetfilterHook::kPrerouting, -100, true)
      .rule("nat-prerouting", "jump services", RuleVerdict::kJump, "services")
      .miss("services", "no element 10.96.0.10 . tcp . 80 in map service-ips")
      .miss("services", "no element tcp . 80 in map service-nodeports")
      .ends("services")
      .ends("nat-prerouting");
}

TEST(CauseRule, a_look_up_in_vain_of_the_service_s_address_is_named) {
  EXPECT_EQ(service_ips_missed().named(CauseCode::kNotTranslated),
            "no element 10.96.0.10 . tcp . 80 in map service-ips (table ip kube-proxy, chain services, handle 12)");
}

TEST(CauseRule, for_a_node_port_it_is_the_look_up_without_an_address) {
  auto cell = replied_cell();
  cell.flow.entry.kind = EntryKind::kNodePort;
  EXPECT_THAT(service_ips_missed().named(CauseCode::kNotTranslated, cell),
              HasSubstr("no element tcp . 80 in map service-nodeports"));
}

TEST(CauseRule, without_endpoints_it_is_the_look_up_of_those_that_refuse) {
  auto trace = service_ips_missed();
  trace.at(NetfilterHook::kForward, 0, false).miss("unserved", "no element 10.96.0.10 . tcp . 80 in map unserved-ips");
  EXPECT_THAT(trace.named(CauseCode::kNotTranslated), HasSubstr("in map service-ips"));
  auto cell = replied_cell();
  cell.expectation.endpoints.clear();
  EXPECT_THAT(trace.named(CauseCode::kNotTranslated, cell), HasSubstr("in map unserved-ips"));
}

TEST(CauseRule, where_the_service_s_chain_chooses_nobody_that_chain_is_named) {
  auto trace = Trace().at(NetfilterHook::kPrerouting, -100, true);
  trace.rule("nat-prerouting", "jump services", RuleVerdict::kJump, "services")
      .rule("services", "ip daddr . meta l4proto . th dport vmap @service-ips", RuleVerdict::kGoto, "service-X")
      .rule("service-X", "ip daddr 10.96.0.10 tcp dport 80 ip saddr != 10.244.0.0/16 jump mark", RuleVerdict::kJump,
            "mark")
      .rule("mark", "meta mark set meta mark | 0x4000")
      .ends("mark")
      .ends("service-X")
      .ends("nat-prerouting");
  EXPECT_EQ(trace.named(CauseCode::kNotTranslated), "no rule matched (table ip kube-proxy, chain service-X)");
}

TEST(CauseRule, in_iptables_the_chain_of_all_services_or_the_service_s_own_is_named) {
  auto none = Trace("ip nat").at(NetfilterHook::kPrerouting, -100, true);
  none.rule("PREROUTING", "counter jump KUBE-SERVICES", RuleVerdict::kJump, "KUBE-SERVICES")
      .ends("KUBE-SERVICES")
      .ends("PREROUTING");
  EXPECT_EQ(none.named(CauseCode::kNotTranslated), "no rule matched (table ip nat, chain KUBE-SERVICES)");
  auto empty = Trace("ip nat").at(NetfilterHook::kPrerouting, -100, true);
  empty.rule("PREROUTING", "counter jump KUBE-SERVICES", RuleVerdict::kJump, "KUBE-SERVICES")
      .rule("KUBE-SERVICES", "meta l4proto tcp ip daddr 10.96.0.10 tcp dport 80 counter jump KUBE-SVC-X",
            RuleVerdict::kJump, "KUBE-SVC-X")
      .ends("KUBE-SVC-X")
      .ends("KUBE-SERVICES")
      .ends("PREROUTING");
  EXPECT_EQ(empty.named(CauseCode::kNotTranslated), "no rule matched (table ip nat, chain KUBE-SVC-X)");
}

TEST(CauseRule, where_several_chains_translated_nothing_all_are_named) {
  auto trace = Trace("ip nat").at(NetfilterHook::kOutput, -100, true);
  trace.rule("OUTPUT", "counter jump KUBE-SERVICES", RuleVerdict::kJump, "KUBE-SERVICES")
      .ends("KUBE-SERVICES")
      .rule("OUTPUT", "fib daddr type local counter jump DOCKER", RuleVerdict::kJump, "DOCKER")
      .ends("DOCKER")
      .ends("OUTPUT");
  EXPECT_EQ(trace.named(CauseCode::kNotTranslated), "no rule matched (table ip nat, chains KUBE-SERVICES, DOCKER)");
  auto bare = Trace("ip nat").at(NetfilterHook::kOutput, -100, true).ends("OUTPUT");
  EXPECT_EQ(bare.named(CauseCode::kNotTranslated), "no rule matched (table ip nat, chain OUTPUT)");
  EXPECT_EQ(Trace().named(CauseCode::kNotTranslated), "") << "nothing was traced";
}

TEST(CauseRule, what_kept_it_from_connection_tracking_is_named) {
  auto trace = Trace("inet planted").at(NetfilterHook::kPrerouting, -300, false);
  trace.rule("prerouting", "ip daddr 10.96.0.0/16 meta l4proto tcp notrack");
  EXPECT_THAT(trace.named(CauseCode::kUntracked), HasSubstr("notrack (table inet planted"));
  EXPECT_THAT(trace.named(CauseCode::kNotTranslated), HasSubstr("notrack (table inet planted"));
}

TEST(CauseRule, what_kept_the_answer_from_connection_tracking_is_named) {
  Trace trace("inet planted");
  trace.at(NetfilterHook::kPrerouting, -300, false).rule("pre", "udp dport 53 notrack");
  EXPECT_EQ(trace.named(CauseCode::kReplyUntranslated), "");
  trace.back().rule("pre", "udp sport 5000 notrack");
  EXPECT_EQ(trace.named(CauseCode::kReplyUntranslated),
            "udp sport 5000 notrack (table inet planted, chain pre, handle 4)");
}

TEST(CauseRule, whoever_translated_is_named) {
  auto trace = Trace("inet planted").at(NetfilterHook::kPrerouting, -101, true);
  trace.rule("pre", "tcp dport 80 dnat ip to 10.244.3.10:5000", RuleVerdict::kAccept)
      .at(NetfilterHook::kPostrouting, 99, true)
      .rule("post", "ip saddr 10.244.0.0/16 masquerade", RuleVerdict::kAccept);
  EXPECT_THAT(trace.named(CauseCode::kTranslatedElsewhere), HasSubstr("dnat ip to 10.244.3.10:5000 ("));
  EXPECT_THAT(trace.named(CauseCode::kTranslatedAnyway), HasSubstr("dnat"));
  EXPECT_THAT(trace.named(CauseCode::kMasqueradeTooMuch), HasSubstr("ip saddr 10.244.0.0/16 masquerade ("));
  EXPECT_THAT(trace.named(CauseCode::kHairpinNotMasqueraded), HasSubstr("masquerade ("));
}

TEST(CauseRule, where_a_masquerade_is_missing_the_chain_that_had_none_is_named) {
  auto trace = Trace().at(NetfilterHook::kPostrouting, 100, true);
  trace.rule("nat-postrouting", "jump masquerading", RuleVerdict::kJump, "masquerading")
      .ends("masquerading")
      .ends("nat-postrouting");
  EXPECT_EQ(trace.named(CauseCode::kMasqueradeMissing), "no rule matched (table ip kube-proxy, chain masquerading)");
  auto returned = Trace("ip nat").at(NetfilterHook::kPostrouting, 100, true);
  returned.rule("KUBE-POSTROUTING", "mark and 0x4000 != 0x4000 counter return", RuleVerdict::kReturn)
      .ends("POSTROUTING");
  EXPECT_THAT(returned.named(CauseCode::kMasqueradeMissing), HasSubstr("0x4000 counter return (table ip nat"));
}

TEST(CauseRule, a_rule_that_took_the_mark_is_named_first) {
  auto trace = Trace().at(NetfilterHook::kPrerouting, -100, true);
  trace.rule("mark-for-masquerade", "meta mark set meta mark | 0x4000").mark(0x4000);
  trace.table("inet planted").at(NetfilterHook::kPostrouting, 99, false);
  trace.rule("post", "meta mark set meta mark & 0xffffbfff").mark(0);
  trace.table("ip kube-proxy").at(NetfilterHook::kPostrouting, 100, true).ends("nat-postrouting");
  EXPECT_THAT(trace.named(CauseCode::kMasqueradeMissing), HasSubstr("0xffffbfff (table inet planted, chain post"));
}

TEST(CauseRule, a_mark_that_stays_behind_in_the_node_was_not_taken) {
  auto trace = Trace().at(NetfilterHook::kPrerouting, -100, true);
  trace.rule("mark-for-masquerade", "meta mark set meta mark | 0x4000").mark(0x4000);
  trace.at(NetfilterHook::kPostrouting, 100, true).ends("nat-postrouting");
  trace.table("inet pods").at(NetfilterHook::kOutput, 0, false).rule("output", "counter").mark(0);
  auto walk = trace.walk();
  walk.rules.back().step.place = "node-1-pod-0";
  Cause cause{CauseCode::kMasqueradeMissing, "node-1", "", "", "x"};
  name_rule(replied_cell(), walk, cause);
  EXPECT_EQ(cause.rule, "no rule matched (table ip kube-proxy, chain nat-postrouting)");
}

TEST(CauseRule, a_rule_that_only_asks_for_a_translation_translated_nothing) {
  auto trace = Trace().at(NetfilterHook::kPrerouting, -100, true);
  trace.rule("service-X", "dnat to 10.244.2.10:5000", RuleVerdict::kAccept)
      .at(NetfilterHook::kPostrouting, 99, true)
      .rule("post", "ct status dnat masquerade", RuleVerdict::kAccept);
  EXPECT_THAT(trace.named(CauseCode::kTranslatedAnyway), HasSubstr("dnat to 10.244.2.10:5000 ("));
}

TEST(CauseRule, targets_of_iptables_that_nft_knows_by_name_alone_are_known) {
  auto trace = Trace("ip nat").at(NetfilterHook::kPrerouting, -100, true);
  trace.rule("KUBE-SEP-X", "meta l4proto tcp counter XT target DNAT not found", RuleVerdict::kAccept)
      .at(NetfilterHook::kPostrouting, 100, true)
      .rule("KUBE-POSTROUTING", "counter XT target MASQUERADE not found", RuleVerdict::kAccept);
  EXPECT_THAT(trace.named(CauseCode::kTranslatedElsewhere), HasSubstr("chain KUBE-SEP-X"));
  EXPECT_THAT(trace.named(CauseCode::kMasqueradeTooMuch), HasSubstr("chain KUBE-POSTROUTING"));
}

TEST(CauseRule, people_see_what_decides_translates_or_was_missed) {
  auto trace = service_ips_missed();
  trace.at(NetfilterHook::kForward, 0, false)
      .rule("forward", "counter")
      .rule("forward", "ip daddr 10.96.0.0/16 drop", RuleVerdict::kDrop);
  const auto text = rules_to_text(trace.walk());
  EXPECT_THAT(text, HasSubstr("no element 10.96.0.10 . tcp . 80 in map service-ips"));
  EXPECT_THAT(text, HasSubstr("forward 0"));
  EXPECT_THAT(text, HasSubstr("drop (table ip kube-proxy, chain forward, handle 4): drop"));
  EXPECT_THAT(text, Not(HasSubstr("jump services")));
  EXPECT_EQ(rules_to_text({}), "");
}

TEST(CauseRule, a_rule_that_was_gone_is_still_told_by_its_handle) {
  auto trace = Trace("inet planted").rule("forward", "", RuleVerdict::kDrop);
  EXPECT_EQ(trace.named(CauseCode::kDroppedByRule),
            "a rule that was gone right afterwards (table inet planted, chain forward, handle 4)");
}

}  // namespace
}  // namespace conntruth::evidence
