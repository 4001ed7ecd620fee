// Every literal case of cases/*.yaml as a test of its own: worlds and expectations are written by hand there, each with
// the document, behaviour or upstream test it stands for.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "controller/oracle/explain.hpp"
#include "controller/oracle/oracle.hpp"
#include "controller/oracle/rules.hpp"
#include "tests/unit/controller/oracle/shorthand.hpp"

namespace conntruth::oracle {
namespace {

struct LiteralCase {
  std::string name;
  std::string source;
  std::vector<std::string> opened;  // the services when the flow began; empty: it is a new one
  std::vector<std::string> services;
  std::vector<std::string> nodes;
  std::string flow;
  std::string wire;
  std::string expected;
  std::vector<std::string> rules;  // must all have been applied, in this order; "not ID" must not
};

void PrintTo(const LiteralCase& each, std::ostream* out) {
  *out << each.flow << ' ' << each.wire << " => " << each.expected << " (" << each.source << ')';
}

std::vector<std::string> strings(const YAML::Node& node) {
  return node ? node.as<std::vector<std::string>>() : std::vector<std::string>{};
}

// One row is [name, flow, "wire,wire", expected, rules...].
void add_row(std::vector<LiteralCase>& cases, const YAML::Node& group, const YAML::Node& row) {
  for (const std::string& wire : shorthand::split(row[2].as<std::string>(), ',')) {
    LiteralCase each{group["group"].as<std::string>() + "_" + row[0].as<std::string>() + "_" + wire,
                     group["source"].as<std::string>(),
                     strings(group["opened"]),
                     strings(group["world"]),
                     strings(group["nodes"]),
                     row[1].as<std::string>(),
                     wire,
                     row[3].as<std::string>(),
                     {}};
    for (std::size_t at = 4; at < row.size(); ++at) each.rules.push_back(row[at].as<std::string>());
    cases.push_back(std::move(each));
  }
}

std::vector<std::filesystem::path> case_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(CONNTRUTH_SOURCE_DIR "/tests/unit/controller/oracle/cases")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<LiteralCase> all_cases() {
  std::vector<LiteralCase> cases;
  for (const auto& file : case_files()) {
    for (const YAML::Node& group : YAML::LoadFile(file.string())) {
      for (const YAML::Node& row : group["cases"]) add_row(cases, group, row);
    }
  }
  return cases;
}

std::size_t count_rows() {
  std::size_t rows = 0;
  for (const auto& file : case_files()) {
    for (const YAML::Node& group : YAML::LoadFile(file.string())) rows += group["cases"].size();
  }
  return rows;
}

std::vector<std::string> ids_of(const Expectation& expectation) {
  std::vector<std::string> ids;
  std::ranges::transform(expectation.rules, std::back_inserter(ids), &Rule::id);
  return ids;
}

bool in_order(const std::vector<std::string>& wanted, const std::vector<std::string>& all) {
  auto from = all.begin();
  for (const std::string& id : wanted) {
    if (id.starts_with("not ")) {
      if (std::ranges::find(all, id.substr(4)) != all.end()) return false;
      continue;
    }
    from = std::find(from, all.end(), id);
    if (from++ == all.end()) return false;
  }
  return true;
}

// What is expected of a case's flow: a new one, or one that began in another world.
Result<Expectation> answer_to(const LiteralCase& each) {
  const world::World world = shorthand::world_of(each.services, each.nodes);
  const Flow flow = shorthand::flow_of(each.flow, each.wire);
  if (each.opened.empty()) return expect(world, flow);
  const world::World opened = shorthand::world_of(each.opened, each.nodes);
  if (flow.protocol == Protocol::kTcp) return expect_established(opened, flow, world);
  const auto before = expect(opened, flow);
  return before ? expect_fixed_udp(*before, flow, world) : before;
}

class Literal : public testing::TestWithParam<LiteralCase> {};

TEST_P(Literal, is_expected) {
  const LiteralCase& each = GetParam();
  const world::World world = shorthand::world_of(each.services, each.nodes);
  const Flow flow = shorthand::flow_of(each.flow, each.wire);
  Expectation wanted = shorthand::expectation_of(each.expected, flow, world);
  const auto answer = answer_to(each);
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_TRUE(in_order(each.rules, ids_of(*answer))) << testing::PrintToString(each.rules);
  wanted.rules = answer->rules;
  EXPECT_TRUE(wanted == *answer) << "wanted " << explain_text(wanted) << "but got " << explain_text(*answer);
}

INSTANTIATE_TEST_SUITE_P(Oracle, Literal, testing::ValuesIn(all_cases()),
                         [](const auto& instance) { return instance.param.name; });

TEST(LiteralCases, are_at_least_two_hundred) { EXPECT_GE(count_rows(), 200U); }

TEST(LiteralCases, each_rule_decides_at_least_one_of_them) {
  std::vector<std::string> applied_ids;
  for (const LiteralCase& each : all_cases()) {
    const auto answer = answer_to(each);
    if (answer) std::ranges::copy(ids_of(*answer), std::back_inserter(applied_ids));
  }
  for (const RuleDefinition& rule : rule_definitions()) {
    EXPECT_NE(std::ranges::find(applied_ids, rule.id), applied_ids.end()) << rule.id;
  }
}

}  // namespace
}  // namespace conntruth::oracle
