#include "lab/proxy/ruleset_diff.hpp"

#include <gtest/gtest.h>

namespace conntruth::lab_proxy {
namespace {

Ruleset one_table(Table table) { return {{{Family::kIpv4, std::move(table)}}}; }

Set ports(std::map<std::string, std::string> elements) {
  return {"map", "{ type inet_service : verdict; }", std::move(elements)};
}

TEST(RulesetDiff, of_equals_is_nothing) {
  const auto ruleset = one_table({{{"a", {"", {"drop"}}}}, {{"m", ports({{"1", "drop"}})}}});
  const auto change = difference(ruleset, ruleset);
  EXPECT_EQ(change.commands, "");
  EXPECT_EQ(change.objects, 0U);
}

TEST(RulesetDiff, declares_before_it_refers) {
  const auto change =
      difference({}, one_table({{{"a", {"", {"goto b"}}}, {"b", {"", {}}}}, {{"m", ports({{"1", "goto a"}})}}}));
  EXPECT_EQ(change.commands,
            "add map ip conntruth m { type inet_service : verdict; }\n"
            "add chain ip conntruth a\n"
            "add chain ip conntruth b\n"
            "add rule ip conntruth a goto b\n"
            "add element ip conntruth m { 1 : goto a }\n");
  EXPECT_EQ(change.objects, 4U);
}

TEST(RulesetDiff, removes_references_before_what_they_refer_to) {
  const auto before = one_table({{{"a", {"", {"goto b"}}}, {"b", {"", {"drop"}}}}, {{"m", ports({{"1", "goto a"}})}}});
  const auto change = difference(before, one_table({{}, {{"m", ports({})}}}));
  EXPECT_EQ(change.commands,
            "delete element ip conntruth m { 1 : goto a }\n"
            "flush chain ip conntruth a\n"
            "flush chain ip conntruth b\n"
            "delete chain ip conntruth a\n"
            "delete chain ip conntruth b\n");
  EXPECT_EQ(change.objects, 3U);
}

TEST(RulesetDiff, touches_only_the_chain_whose_rules_changed) {
  const auto before = one_table({{{"a", {"", {"accept"}}}, {"b", {"", {"drop"}}}}, {}});
  const auto after = one_table({{{"a", {"", {"accept"}}}, {"b", {"", {"accept"}}}}, {}});
  const auto change = difference(before, after);
  EXPECT_EQ(change.commands, "flush chain ip conntruth b\nadd rule ip conntruth b accept\n");
  EXPECT_EQ(change.objects, 1U);
}

TEST(RulesetDiff, replaces_an_element_whose_verdict_changed) {
  const auto change = difference(one_table({{}, {{"m", ports({{"1", "drop"}, {"2", "drop"}})}}}),
                                 one_table({{}, {{"m", ports({{"1", "accept"}, {"2", "drop"}})}}}));
  EXPECT_EQ(change.commands,
            "delete element ip conntruth m { 1 : drop }\n"
            "add element ip conntruth m { 1 : accept }\n");
}

TEST(RulesetDiff, removes_a_set_after_the_rule_that_used_it) {
  const Set sticky{"set", "{ type ipv4_addr; flags dynamic,timeout; }", {}};
  const auto change = difference(one_table({{{"a", {"", {"ip saddr @s drop"}}}}, {{"s", sticky}}}),
                                 one_table({{{"a", {"", {"drop"}}}}, {}}));
  EXPECT_EQ(change.commands, "flush chain ip conntruth a\nadd rule ip conntruth a drop\ndelete set ip conntruth s\n");
}

TEST(RulesetDiff, replacement_takes_both_tables_over_whoever_made_them) {
  const auto change = replacement({{{Family::kIpv4, {}}, {Family::kIpv6, {}}}});
  EXPECT_EQ(change.commands,
            "add table ip conntruth\ndelete table ip conntruth\nadd table ip6 conntruth\ndelete table ip6 conntruth\n"
            "add table ip conntruth\nadd table ip6 conntruth\n");
}

}  // namespace
}  // namespace conntruth::lab_proxy
