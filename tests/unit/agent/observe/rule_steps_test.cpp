// From traced runs to steps: whose packets they are, the texts of their rules, and what they looked up in vain.
#include "agent/observe/rule_steps.hpp"

#include <gtest/gtest.h>

namespace conntruth::observe {
namespace {

SocketAddress at(const char* address, std::uint16_t port) { return {*IpAddress::parse(address), port}; }

const auto kClient = at("10.1.0.2", 40'000);
const auto kService = at("10.96.0.10", 80);

TracedPacket packet(std::optional<std::uint32_t> sequence = {}) {
  return {.protocol = Protocol::kTcp, .source = kClient, .destination = kService, .task = {}, .sequence = sequence};
}

TraceEvent event(const char* chain, RuleEvent kind, std::uint64_t handle, RuleVerdict verdict, const char* to = "") {
  return {.packet_id = 1,
          .table = "ip proxy",
          .chain = chain,
          .handle = handle,
          .event = kind,
          .verdict = verdict,
          .to = to,
          .mark = 0,
          .packet = {}};
}

TracedRun run(std::int64_t read_ns, const TracedPacket& of, const char* chain = "nat") {
  return {0, read_ns, of, {event(chain, RuleEvent::kPolicy, 0, RuleVerdict::kAccept)}};
}

Hop hop(std::uint32_t task, std::uint32_t sequence, std::int64_t at_ns) {
  Hop seen;
  seen.probe = probe_id(task, sequence);
  seen.at_ns = at_ns;
  seen.source = kClient;
  seen.destination = kService;
  return seen;
}

using Owners = std::vector<std::optional<TraceJoin::Owner>>;

TEST(TraceJoin, a_flow_that_one_probe_had_is_that_probe_s) {
  TraceJoin join;
  join.saw(0, hop(7, 1, 100));
  EXPECT_EQ(join.owners({run(50, packet())}), (Owners{TraceJoin::Owner{probe_id(7, 1), false}}));
  auto elsewhere = run(50, packet());
  elsewhere.place = 1;
  auto other = run(50, packet());
  other.packet.source.port = 40'001;
  EXPECT_EQ(join.owners({elsewhere, other}), (Owners{std::nullopt, std::nullopt}));
}

TEST(TraceJoin, the_half_of_an_id_that_is_quoted_tells_probes_of_one_flow_apart) {
  TraceJoin join;
  join.saw(0, hop(7, 1, 100));
  join.saw(0, hop(7, 2, 200));
  EXPECT_EQ(join.owners({run(900, packet(2)), run(901, packet(1))}),
            (Owners{TraceJoin::Owner{probe_id(7, 2), false}, TraceJoin::Owner{probe_id(7, 1), false}}));
}

TEST(TraceJoin, runs_of_a_chain_belong_to_probes_in_their_order) {
  TraceJoin join;
  join.saw(0, hop(7, 2, 200));
  join.saw(0, hop(7, 1, 100));
  EXPECT_EQ(join.owners({run(900, packet()), run(901, packet())}),
            (Owners{TraceJoin::Owner{probe_id(7, 1), false}, TraceJoin::Owner{probe_id(7, 2), false}}));
}

TEST(TraceJoin, where_some_are_missing_the_time_decides) {
  TraceJoin join;
  for (std::uint32_t n = 1; n <= 3; ++n) join.saw(0, hop(7, n, 100 * n));
  EXPECT_EQ(join.owners({run(210, packet())}), (Owners{TraceJoin::Owner{probe_id(7, 2), false}}));
}

constexpr auto kListing = R"(table ip proxy {
	chain services { # handle 1
		ip daddr . meta l4proto . th dport vmap @service-ips # handle 5
		fib daddr type local meta l4proto . th dport vmap @node-ports # handle 6
		fib daddr type local th dport vmap @there # handle 7
	}
	chain nat { # handle 2
		type nat hook prerouting priority -100; policy accept;
		jump services # handle 8
	}
	chain forward { # handle 3
		type filter hook forward priority 5; policy drop;
	}
	chain input { # handle 15
		type filter hook input priority 0; policy accept;
		jump unserved # handle 10
		ip daddr . meta l4proto . th dport vmap @refused # handle 11
		ip daddr 10.96.0.0/16 drop # handle 12
		ip daddr . meta l4proto . th dport vmap @after # handle 13
	}
	chain unserved { # handle 4
		ip daddr . meta l4proto . th dport vmap @nowhere # handle 14
	}
}
)";

std::vector<RuleStep> told(const std::vector<TraceEvent>& events, std::vector<std::string>* asked = nullptr) {
  PlaceRules rules([&](const std::string& command) -> Result<std::string> {
    if (asked != nullptr) asked->push_back(command);
    if (command == "list table ip proxy") return kListing;
    if (command.find("there") != std::string::npos) return "found";
    return fail(ErrorCode::kNotFound, "no such element");
  });
  std::vector<RuleStep> steps;
  rules.tell({0, 1, packet(), events}, {probe_id(7, 1), true}, "pod", steps);
  return steps;
}

TEST(PlaceRules, a_chain_that_ends_tells_what_was_looked_up_in_vain) {
  std::vector<std::string> asked;
  const auto steps = told({event("nat", RuleEvent::kRule, 8, RuleVerdict::kJump, "services"),
                           event("services", RuleEvent::kEnd, 0, RuleVerdict::kContinue),
                           event("nat", RuleEvent::kEnd, 0, RuleVerdict::kContinue),
                           event("nat", RuleEvent::kPolicy, 0, RuleVerdict::kAccept)},
                          &asked);
  ASSERT_EQ(steps.size(), 5U);
  EXPECT_EQ(steps[0].text, "jump services");
  EXPECT_EQ(steps[0].place, "pod");
  EXPECT_TRUE(steps[0].nat);
  EXPECT_TRUE(steps[0].answer);
  EXPECT_EQ(steps[0].priority, -100);
  EXPECT_EQ(steps[1].text, "no element 10.96.0.10 . tcp . 80 in map service-ips");
  EXPECT_EQ(steps[1].handle, 5U);
  EXPECT_EQ(steps[2].text, "no element tcp . 80 in map node-ports");
  EXPECT_EQ(steps[3].event, RuleEvent::kEnd);
  EXPECT_EQ(steps[4].chain, "nat");
  EXPECT_EQ(steps[4].event, RuleEvent::kEnd);
  for (std::uint32_t i = 0; i < steps.size(); ++i) EXPECT_EQ(steps[i].order, i);
  EXPECT_EQ(asked, (std::vector<std::string>{"list table ip proxy", "get element ip proxy node-ports { tcp . 80 }",
                                             "get element ip proxy there { 80 }"}));
}

TEST(PlaceRules, a_look_up_that_found_something_is_none_in_vain) {
  const auto steps = told({event("services", RuleEvent::kRule, 5, RuleVerdict::kJump, "x"),
                           event("services", RuleEvent::kEnd, 0, RuleVerdict::kContinue)});
  ASSERT_EQ(steps.size(), 1U) << "the chain at the hook is unknown, so nothing says that it translates";
  EXPECT_EQ(steps[0].to, "x");
}

TEST(PlaceRules, what_was_looked_up_in_vain_before_a_drop_is_told_and_what_comes_after_it_is_not) {
  const std::vector<TraceEvent> before = {event("input", RuleEvent::kRule, 10, RuleVerdict::kJump, "unserved"),
                                          event("unserved", RuleEvent::kEnd, 0, RuleVerdict::kContinue)};
  auto events = before;
  events.push_back(event("input", RuleEvent::kRule, 12, RuleVerdict::kDrop));
  const auto steps = told(events);
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[1].text, "no element 10.96.0.10 . tcp . 80 in map nowhere");
  EXPECT_EQ(steps[2].text, "no element 10.96.0.10 . tcp . 80 in map refused");
  EXPECT_EQ(steps[2].hook, NetfilterHook::kInput);
  EXPECT_EQ(steps[3].text, "ip daddr 10.96.0.0/16 drop");
  EXPECT_EQ(steps[3].order, 3U);
  events.back().verdict = RuleVerdict::kAccept;
  EXPECT_EQ(told(events).size(), 2U) << "what is let through";
}

TEST(PlaceRules, what_neither_translates_nor_decides_is_left_out) {
  EXPECT_TRUE(told({event("forward", RuleEvent::kEnd, 0, RuleVerdict::kContinue),
                    event("forward", RuleEvent::kPolicy, 0, RuleVerdict::kAccept)})
                  .empty());
  const auto dropped = told({event("forward", RuleEvent::kPolicy, 0, RuleVerdict::kDrop)});
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_EQ(dropped[0].hook, NetfilterHook::kForward);
  EXPECT_EQ(dropped[0].priority, 5);
}

TEST(PlaceRules, a_rule_that_is_gone_has_no_text) {
  const auto steps = told({event("forward", RuleEvent::kRule, 99, RuleVerdict::kDrop)});
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].text, "");
  EXPECT_EQ(steps[0].handle, 99U);
}

}  // namespace
}  // namespace conntruth::observe
