// Bad questions, the reasons' text, and that the documentation says what the code says.
#include "controller/oracle/oracle.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "controller/oracle/explain.hpp"
#include "controller/oracle/rules.hpp"
#include "tests/unit/controller/oracle/shorthand.hpp"

namespace conntruth::oracle {
namespace {

using testing::HasSubstr;

world::World small_world() { return shorthand::world_of({"web NodePort http:80>30080 | http:8080 n1p0 n2p0"}, {}); }

std::string error_of(const world::World& world, const Flow& flow) {
  const auto answer = expect(world, flow);
  if (answer) return "no error";
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalidInput);
  return answer.error().message;
}

TEST(Oracle, unknown_vantage_node_is_named) {
  Flow flow = shorthand::flow_of("n1p1 -> clusterIP vip:80", "tcp4");
  flow.vantage.node = "node-9";
  EXPECT_THAT(error_of(small_world(), flow), HasSubstr("node-9"));
}

TEST(Oracle, unknown_service_is_an_error_so_that_a_misspelt_one_is_never_green) {
  const Flow flow = shorthand::flow_of("n1p1 -> clusterIP vip:80 wbe", "tcp4");
  EXPECT_THAT(error_of(small_world(), flow), HasSubstr("default/wbe"));
}

TEST(Oracle, unknown_entry_node_is_named) {
  Flow flow = shorthand::flow_of("n1p1 -> nodePort n2:30080", "tcp4");
  flow.entry.node = "node-7";
  EXPECT_THAT(error_of(small_world(), flow), HasSubstr("node-7"));
}

TEST(Oracle, node_port_on_an_address_of_another_node_is_an_error) {
  Flow flow = shorthand::flow_of("n1p1 -> nodePort n2:30080", "tcp4");
  flow.entry.node = "node-3";
  EXPECT_THAT(error_of(small_world(), flow), HasSubstr("172.31.0.12:30080 is not an address of entry.node node-3"));
}

TEST(Oracle, empty_target_is_an_error) {
  Flow flow = shorthand::flow_of("n1p1 -> clusterIP vip:80", "tcp4");
  flow.entry.target.address = IpAddress();
  EXPECT_THAT(error_of(small_world(), flow), HasSubstr("entry.target"));
  flow = shorthand::flow_of("n1p1 -> clusterIP vip:80", "tcp4");
  flow.entry.target.port = 0;
  EXPECT_THAT(error_of(small_world(), flow), HasSubstr("entry.target"));
}

TEST(Oracle, source_of_another_family_is_an_error) {
  Flow flow = shorthand::flow_of("n1p1 -> clusterIP vip:80", "tcp4");
  flow.vantage.source = shorthand::address_of("n1p1", Family::kIpv6);
  EXPECT_THAT(error_of(small_world(), flow), HasSubstr("is not ipv4"));
}

TEST(Oracle, pod_without_source_is_an_error_but_a_node_uses_its_first_address) {
  Flow flow = shorthand::flow_of("n1p1 -> clusterIP vip:80", "tcp4");
  flow.vantage.source = IpAddress();
  EXPECT_THAT(error_of(small_world(), flow), HasSubstr("set vantage.source"));
  flow = shorthand::flow_of("n1 -> clusterIP vip:80", "tcp4");
  const auto with_source = expect(small_world(), flow);
  flow.vantage.source = IpAddress();
  EXPECT_TRUE(expect(small_world(), flow) == with_source);
}

TEST(Oracle, node_port_without_entry_node_is_decided_by_the_owner) {
  Flow flow = shorthand::flow_of("n1p1 -> nodePort n2:30080", "tcp4");
  const auto with_node = expect(small_world(), flow);
  flow.entry.node.clear();
  EXPECT_TRUE(expect(small_world(), flow) == with_node);
}

TEST(Explain, says_what_is_expected_and_why) {
  const auto answer = expect(small_world(), shorthand::flow_of("n1p0 -> clusterIP vip:80", "tcp4"));
  ASSERT_TRUE(answer.has_value());
  const std::string text = explain_text(*answer);
  EXPECT_THAT(text, testing::StartsWith(
                        "expected: replied by 10.244.1.10:8080 or 10.244.2.10:8080, each with equal "
                        "chance; source client (10.244.1.10), but never the answering pod itself\nbecause:\n  1. "));
  EXPECT_THAT(text, HasSubstr("10.96.0.10:80/tcp is the ClusterIP of Service default/web, port http-tcp"));
  EXPECT_THAT(text, HasSubstr("[source-hairpin; "));
}

TEST(Explain, tells_recorded_from_scored_and_silence_from_refusal) {
  const world::World world = shorthand::world_of({"web NodePort http:80>30080 etp=Local | http:8080 n1p0"}, {});
  const auto own = expect(world, shorthand::flow_of("n3 -> nodePort n3:30080", "tcp4"));
  EXPECT_THAT(
      explain_text(own.value()),
      testing::StartsWith("recorded, not scored: replied by 10.244.1.10:8080; any source; or refused|timed-out\n"));
  const auto dropped = expect(world, shorthand::flow_of("x3 -> nodePort n3:30080", "tcp4"));
  EXPECT_THAT(explain_text(dropped.value()), testing::StartsWith("expected: timed-out\nbecause:\n"));
}

TEST(Explain, cuts_long_lists) {
  std::string line = "web ClusterIP http:80 | http:8080";
  for (int pod = 0; pod < 9; ++pod) line += fmt::format(" n1p{}", pod);
  const auto answer = expect(shorthand::world_of({line}, {}), shorthand::flow_of("n2p0 -> clusterIP vip:80", "tcp4"));
  EXPECT_THAT(explain_text(answer.value()), HasSubstr("10.244.1.15:8080 and 3 more"));
}

TEST(Rules, have_unique_ids) {
  std::set<std::string_view> ids;
  for (const RuleDefinition& rule : rule_definitions()) EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
}

TEST(Rules, stand_in_the_documentation_word_for_word) {
  std::ifstream file(CONNTRUTH_SOURCE_DIR "/docs/semantics.md");
  std::stringstream text;
  text << file.rdbuf();
  for (const RuleDefinition& rule : rule_definitions()) {
    EXPECT_THAT(text.str(), HasSubstr(fmt::format("| `{}` | {} | {} |", rule.id, rule.sentence, rule.source)));
  }
}

TEST(Oracle, only_tcp_connections_are_established) {
  const auto answer =
      expect_established(small_world(), shorthand::flow_of("n1p1 -> clusterIP vip:80", "udp4"), small_world());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalidInput);
}

}  // namespace
}  // namespace conntruth::oracle
