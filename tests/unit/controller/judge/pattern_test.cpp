// Matrices with planted patterns: 3 clients x 3 node-port entries x 2 families x 2 protocols, red where a rule says so.
#include "controller/judge/pattern.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/judging.hpp"

namespace conntruth::judge {
namespace {

using testing::Bench;
using testing::node_name;

struct Place {
  int client;
  int entry;
  Family family;
  Protocol protocol;
};

Pattern pattern_of(const std::function<bool(const Place&)>& red) {
  Bench bench;
  std::vector<bool> reds;
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    for (const auto protocol : {Protocol::kTcp, Protocol::kUdp}) {
      for (int client = 1; client <= 3; ++client) {
        for (int entry = 1; entry <= 3; ++entry) {
          bench.cell({.client = client,
                      .column = node_name(entry) + ":30080",
                      .protocol = protocol,
                      .family = family,
                      .entry_node = node_name(entry)});
          reds.push_back(red({client, entry, family, protocol}));
        }
      }
    }
  }
  std::vector<JudgedCell> cells;
  for (std::size_t i = 0; i < reds.size(); ++i) cells.push_back({&bench.plan.stages[0].cells[i], reds[i]});
  const Names names(bench.plan);
  return find_pattern("run", "", cells, names).value_or(Pattern{});
}

TEST(Pattern, one_client_node_is_a_row) {
  const auto pattern = pattern_of([](const Place& at) { return at.client == 2; });
  EXPECT_EQ(pattern.kind, PatternKind::kRow);
  EXPECT_EQ(pattern.text, "the 12 red cells are exactly those with client on node-2");
}

TEST(Pattern, one_entry_is_a_column) {
  const auto pattern = pattern_of([](const Place& at) { return at.entry == 3; });
  EXPECT_EQ(pattern.kind, PatternKind::kColumn);
  EXPECT_EQ(pattern.text, "the 12 red cells are exactly those with entry on node-3");
}

TEST(Pattern, one_cell_is_a_single_cell) {
  const auto pattern = pattern_of([](const Place& at) {
    return at.client == 2 && at.entry == 3 && at.family == Family::kIpv4 && at.protocol == Protocol::kTcp;
  });
  EXPECT_EQ(pattern.kind, PatternKind::kSingleCell);
  EXPECT_EQ(pattern.text, "one red cell of 36: cluster-ip/ready/node-2-pod-0>node-3:30080/tcp/ipv4");
}

TEST(Pattern, client_and_entry_on_one_node_is_the_diagonal) {
  const auto pattern = pattern_of([](const Place& at) { return at.client == at.entry; });
  EXPECT_EQ(pattern.kind, PatternKind::kDiagonal);
  EXPECT_EQ(pattern.text, "the 12 red cells are exactly those with client and target on the same node");
}

TEST(Pattern, everything_off_the_diagonal_is_named_too) {
  const auto pattern = pattern_of([](const Place& at) { return at.client != at.entry; });
  EXPECT_EQ(pattern.kind, PatternKind::kDiagonal);
  EXPECT_EQ(pattern.text, "the 24 red cells are exactly those with client and target on different nodes");
}

TEST(Pattern, all_red_is_everything) {
  const auto pattern = pattern_of([](const Place&) { return true; });
  EXPECT_EQ(pattern.kind, PatternKind::kEverything);
  EXPECT_EQ(pattern.text, "every one of 36 judged cells is red");
}

TEST(Pattern, one_family) {
  const auto pattern = pattern_of([](const Place& at) { return at.family == Family::kIpv6; });
  EXPECT_EQ(pattern.kind, PatternKind::kFamily);
  EXPECT_EQ(pattern.text, "the 18 red cells are exactly those with family ipv6");
}

TEST(Pattern, one_protocol) {
  const auto pattern = pattern_of([](const Place& at) { return at.protocol == Protocol::kUdp; });
  EXPECT_EQ(pattern.kind, PatternKind::kProtocol);
  EXPECT_EQ(pattern.text, "the 18 red cells are exactly those with protocol udp");
}

TEST(Pattern, one_protocol_at_one_client_is_mixed) {
  const auto pattern = pattern_of([](const Place& at) { return at.protocol == Protocol::kUdp && at.client == 1; });
  EXPECT_EQ(pattern.kind, PatternKind::kMixed);
  EXPECT_EQ(pattern.text, "the 6 red cells are exactly those with protocol udp, client on node-1");
}

TEST(Pattern, a_part_of_a_row_is_said_to_be_a_part) {
  int seen = 0;
  const auto pattern = pattern_of([&](const Place& at) { return at.client == 2 && ++seen % 12 != 0; });
  EXPECT_EQ(pattern.kind, PatternKind::kRow);
  EXPECT_EQ(pattern.text, "the 11 red cells are among the 12 with client on node-2");
}

TEST(Pattern, cells_without_anything_in_common_are_scattered) {
  int index = 0;
  const auto pattern = pattern_of([&](const Place&) { return index++ % 5 == 0; });
  EXPECT_EQ(pattern.kind, PatternKind::kScattered);
  EXPECT_EQ(pattern.text, "8 of 36 judged cells are red, with nothing in common");
}

TEST(Pattern, no_red_cell_makes_no_pattern) {
  EXPECT_EQ(pattern_of([](const Place&) { return false; }).red, 0U);
}

TEST(Pattern, scopes_are_the_run_its_scenarios_and_their_tables) {
  Bench bench;
  for (const auto* scenario : {"cluster-ip", "hairpin"}) {
    for (int client = 1; client <= 3; ++client) {
      const auto task = bench.cell({.scenario = scenario, .client = client, .endpoints = {2}, .count = 1});
      if (std::string(scenario) == "hairpin") {
        bench.timed_out(task, 0);
      } else {
        bench.replied(task, 0, 2, client == 2 ? testing::node_ip(2) : testing::pod_ip(client));
      }
    }
  }
  const auto patterns = bench.judged().patterns;
  ASSERT_EQ(patterns.size(), 3U);
  EXPECT_EQ(patterns[0].text, "the 3 red cells are exactly those with scenario hairpin");
  EXPECT_EQ(patterns[0].kind, PatternKind::kPart);
  EXPECT_EQ(patterns[1].scope, "scenario hairpin");
  EXPECT_EQ(patterns[1].kind, PatternKind::kEverything);
  EXPECT_EQ(patterns[2].scope, "table hairpin/ready/web clusterIP tcp ipv4");
}

}  // namespace
}  // namespace conntruth::judge
