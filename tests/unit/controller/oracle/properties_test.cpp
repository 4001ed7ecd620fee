// What must hold for every world and flow, tried on worlds made from a fixed seed.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "controller/oracle/oracle.hpp"
#include "controller/oracle/rules.hpp"
#include "tests/unit/controller/oracle/shorthand.hpp"

namespace conntruth::oracle {
namespace {

constexpr int kWorlds = 150;

struct Trial {
  std::vector<std::string> services;
  world::World world;
};

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  int below(int bound) { return static_cast<int>(engine_() % static_cast<unsigned>(bound)); }
  bool one_in(int bound) { return below(bound) == 0; }
  std::string pick(const std::vector<std::string>& from) {
    return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))];
  }

 private:
  std::mt19937 engine_;  // same numbers everywhere, unlike the standard distributions
};

std::string slice(Dice& dice, int number) {
  std::string text = fmt::format("| {} http:{}", dice.pick({"", "", "4", "6"}), 8080 + number);
  for (int node = 1; node <= 3; ++node) {
    if (dice.one_in(2)) continue;
    // Pod numbers differ by slice, so that no endpoint stands in two of them.
    text += fmt::format(" n{}p{}{}{}", node, number, dice.pick({"", "", "!", "~", "^", "?", "+"}),
                        dice.pick({"", "@a", "@b", "@c", "%1", "@a%2"}));
  }
  return text;
}

std::string service(Dice& dice, const std::string& name) {
  std::string text = fmt::format("{} {} http:80>30080", name, dice.pick({"ClusterIP", "NodePort", "LoadBalancer"}));
  for (const char* word :
       {"itp=Local", "etp=Local", "ext", "lb", "affinity=60", "publish", "ranges=10.244.1.0/24,::/0"}) {
    if (dice.one_in(2)) text += std::string(" ") + word;
  }
  text += dice.pick({"", "", "", " only4", " headless", " label=service.kubernetes.io/headless"}) + " ";
  for (int number = 0; number < 2; ++number) text += slice(dice, number);
  return text;
}

Trial trial(unsigned seed) {
  Dice dice(seed);
  Trial made;
  made.services = {service(dice, "web")};
  made.world = shorthand::world_of(made.services, {});
  return made;
}

const std::vector<std::string>& flow_texts() {
  static const std::vector<std::string> kTexts = {
      "n1p0 -> clusterIP vip:80",  "n2 -> clusterIP vip:80",      "x3 -> clusterIP vip:80",
      "n1p1 -> nodePort n1:30080", "n1p0 -> nodePort n2:30080",   "n3 -> nodePort n2:30080",
      "x1 -> nodePort n1:30080",   "n3p0 -> externalIP ext:80",   "n1 -> externalIP ext:80",
      "x2 -> externalIP ext:80",   "n1p0 -> loadBalancer lb:80",  "n2 -> loadBalancer lb:80",
      "x2 -> loadBalancer lb:80",  "n3p1 -> podIP n1p0:8080",     "x1 -> podIP n2p1:8081",
      "n1p1 -> unusedPort vip:81", "n1p1 -> unallocated free:80",
  };
  return kTexts;
}

// Calls `check(world, flow, expectation)` for every world and flow.
template <typename Check>
void for_all(Check check) {
  for (unsigned seed = 0; seed < kWorlds; ++seed) {
    const Trial made = trial(seed);
    for (const std::string& text : flow_texts()) {
      for (const char* wire : {"tcp4", "udp6"}) {
        SCOPED_TRACE(fmt::format("{} ; {} {}", made.services.front(), text, wire));
        const Flow flow = shorthand::flow_of(text, wire);
        const auto answer = expect(made.world, flow);
        ASSERT_TRUE(answer.has_value()) << answer.error().message;
        check(made.world, flow, *answer);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

TEST(OracleProperty, the_worlds_tried_reach_every_kind_of_answer) {
  std::set<std::string> seen;
  for_all([&](const world::World&, const Flow&, const Expectation& answer) {
    seen.insert(to_string(answer.outcomes) + (answer.scored ? "" : " recorded"));
    for (const Rule& rule : answer.rules) seen.insert(rule.id);
  });
  for (const char* kind : {"replied", "refused", "timed-out", "refused|timed-out", "replied|refused|timed-out recorded",
                           "hints-node", "hints-zone", "terminating-fallback", "local-terminating-fallback",
                           "etp-local-short-circuit", "lb-source-range-blocks", "affinity-client-ip"}) {
    EXPECT_TRUE(seen.contains(kind)) << kind;
  }
}

TEST(OracleProperty, a_reply_is_acceptable_exactly_where_endpoints_are_named) {
  for_all([](const world::World&, const Flow&, const Expectation& answer) {
    EXPECT_EQ(answer.outcomes.replied, !answer.endpoints.empty());
    EXPECT_TRUE(answer.outcomes.replied || answer.outcomes.refused || answer.outcomes.timed_out);
  });
}

TEST(OracleProperty, what_is_scored_names_one_outcome_unless_no_reply_is_all_that_matters) {
  for_all([](const world::World&, const Flow&, const Expectation& answer) {
    if (!answer.scored) return;
    EXPECT_FALSE(answer.outcomes.replied && (answer.outcomes.refused || answer.outcomes.timed_out));
  });
}

TEST(OracleProperty, families_never_mix) {
  for_all([](const world::World&, const Flow& flow, const Expectation& answer) {
    const auto same = [&](const IpAddress& address) { return address.family() == flow.family(); };
    EXPECT_TRUE(std::ranges::all_of(answer.endpoints, same, &SocketAddress::address));
    EXPECT_TRUE(std::ranges::all_of(answer.source_addresses, same));
  });
}

TEST(OracleProperty, every_endpoint_is_listed_in_a_slice_and_named_once_in_order) {
  for_all([](const world::World& world, const Flow&, const Expectation& answer) {
    std::set<IpAddress> listed;
    for (const auto& each : world.slices) {
      for (const auto& endpoint : each.endpoints) listed.insert(endpoint.addresses.front());
    }
    for (const SocketAddress& endpoint : answer.endpoints) EXPECT_TRUE(listed.contains(endpoint.address));
    EXPECT_TRUE(std::ranges::is_sorted(answer.endpoints));
    EXPECT_EQ(std::ranges::adjacent_find(answer.endpoints), answer.endpoints.end());
  });
}

TEST(OracleProperty, an_unusable_endpoint_is_never_expected_through_a_service) {
  for_all([](const world::World& world, const Flow& flow, const Expectation& answer) {
    if (flow.entry.kind == EntryKind::kPodIp) return;
    for (const auto& each : world.slices) {
      for (const auto& endpoint : each.endpoints) {
        if (endpoint.is_ready() || endpoint.is_serving()) continue;
        const IpAddress address = endpoint.addresses.front();
        EXPECT_EQ(std::ranges::find(answer.endpoints, address, &SocketAddress::address), answer.endpoints.end());
      }
    }
  });
}

TEST(OracleProperty, a_source_rule_comes_with_its_addresses) {
  for_all([](const world::World&, const Flow&, const Expectation& answer) {
    EXPECT_EQ(answer.source == SourceRule::kAny, answer.source_addresses.empty());
    EXPECT_TRUE(std::ranges::is_sorted(answer.source_addresses));
  });
}

TEST(OracleProperty, nothing_is_asserted_where_nothing_is_scored) {
  for_all([](const world::World&, const Flow&, const Expectation& answer) {
    if (answer.scored) return;
    EXPECT_EQ(answer.spread, Spread::kFree);
    EXPECT_EQ(answer.source, SourceRule::kAny);
    EXPECT_TRUE(answer.outcomes.refused && answer.outcomes.timed_out);
  });
}

TEST(OracleProperty, every_answer_gives_known_rules_with_text) {
  for_all([](const world::World&, const Flow&, const Expectation& answer) {
    EXPECT_FALSE(answer.rules.empty());
    for (const Rule& rule : answer.rules) {
      EXPECT_TRUE(std::ranges::any_of(rule_definitions(), [&](const RuleDefinition& each) {
        return each.id == rule.id && each.source == rule.source;
      })) << rule.id;
      EXPECT_FALSE(rule.text.empty());
    }
  });
}

TEST(OracleProperty, the_same_question_gets_the_same_answer) {
  for_all([](const world::World& world, const Flow& flow, const Expectation& answer) {
    EXPECT_TRUE(expect(world, flow) == answer);
  });
}

TEST(OracleProperty, the_order_of_objects_does_not_matter) {
  for_all([](const world::World& world, const Flow& flow, const Expectation& answer) {
    world::World reversed = world;
    std::ranges::reverse(reversed.nodes);
    std::ranges::reverse(reversed.slices);
    for (auto& each : reversed.slices) std::ranges::reverse(each.endpoints);
    for (auto& each : reversed.services) std::ranges::reverse(each.ports);
    EXPECT_TRUE(expect(reversed, flow) == answer);
  });
}

TEST(OracleProperty, an_unrelated_service_changes_nothing) {
  const world::World other =
      shorthand::world_of({"web ClusterIP -", "api LoadBalancer http:80>30099 ext lb | http:8090 n1p5 n2p5"}, {});
  for_all([&](const world::World& world, const Flow& flow, const Expectation& answer) {
    world::World more = world;
    more.services.insert(more.services.begin(), other.services.back());
    more.slices.insert(more.slices.begin(), other.slices.begin(), other.slices.end());
    EXPECT_TRUE(expect(more, flow) == answer);
  });
}

TEST(OracleProperty, node_lifecycle_and_generation_change_no_packet) {
  for_all([](const world::World& world, const Flow& flow, const Expectation& answer) {
    world::World changed = world;
    changed.generation = 99;
    for (auto& node : changed.nodes) node.deleting = true;
    auto other = expect(changed, flow);
    ASSERT_TRUE(other.has_value());
    other->rules = answer.rules;  // the reason mentions it
    EXPECT_TRUE(*other == answer);
  });
}

TEST(OracleProperty, protocols_are_treated_alike) {
  for_all([](const world::World& world, const Flow& flow, const Expectation& answer) {
    for (const Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
      Flow twin = flow;
      twin.protocol = protocol;
      auto other = expect(world, twin);
      ASSERT_TRUE(other.has_value());
      other->rules = answer.rules;  // texts name the protocol
      EXPECT_TRUE(*other == answer);
    }
  });
}

}  // namespace
}  // namespace conntruth::oracle
