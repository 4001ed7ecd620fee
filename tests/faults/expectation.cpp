#include "tests/faults/expectation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace conntruth::faults {

namespace {

std::vector<std::string> words_of(const YAML::Node& node) {
  if (node.IsScalar()) return {node.as<std::string>()};
  return node.as<std::vector<std::string>>();
}

void read_cells(const YAML::Node& map, const std::string& verdict, Expectation& expectation) {
  for (const auto& entry : map) {
    expectation.cells.push_back({verdict, entry.first.as<std::string>(), words_of(entry.second)});
  }
}

std::string with(std::string text, std::string_view word, const std::string& value) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + value.size())) {
    text.replace(at, word.size(), value);
  }
  return text;
}

bool matches(const std::string& glob, const std::string& id, const std::string& node,
             const std::vector<std::string>& nodes) {
  const auto here = with(glob, "$NODE", node);
  if (!here.contains("$OTHER")) return fnmatch(here.c_str(), id.c_str(), FNM_NOESCAPE) == 0;
  return std::ranges::any_of(nodes, [&](const std::string& other) {
    return other != node && fnmatch(with(here, "$OTHER", other).c_str(), id.c_str(), FNM_NOESCAPE) == 0;
  });
}

bool right(const JudgedCell& cell, const ExpectedCells& expected) {
  return cell.verdict == expected.verdict && std::ranges::find(expected.reasons, cell.reason) != expected.reasons.end();
}

bool has_rule(const JudgedCell& cell, const std::vector<std::string>& parts, const std::string& node) {
  return std::ranges::any_of(
      parts, [&](const std::string& part) { return cell.cause_rule.contains(with(part, "$NODE", node)); });
}

std::string describe(const JudgedCell& cell, const std::string& wanted) {
  return fmt::format("{}: {} ({}: {}), expected {}", cell.id, cell.verdict, cell.reason, cell.text, wanted);
}

}  // namespace

bool is_cause(const JudgedCell& cell) {
  return !cell.cause.empty() && cell.cause != "no-evidence" && cell.cause != "unexplained" &&
         cell.cause != "not-reproduced";
}

bool is_planted(const JudgedCell& cell, const Expectation& expectation, const std::string& node) {
  const auto has = [&](const std::vector<std::string>& codes) {
    return std::ranges::find(codes, cell.cause) != codes.end();
  };
  const bool is_own_rule = cell.cause_rule.contains(fmt::format(" {},", expectation.table));
  if (cell.cause_node != node) return false;
  if (!has(expectation.causes)) return is_own_rule && has(expectation.elsewhere);
  return cell.cause_rule.empty() || is_own_rule || has_rule(cell, expectation.rules, node);
}

Result<Expectation> read_expectation(const std::string& fault, const std::string& yaml) {
  try {
    const auto document = YAML::Load(yaml);
    Expectation expectation;
    expectation.table = "planted_" + fault;
    for (const auto& entry : document) {
      const auto key = entry.first.as<std::string>();
      if (key == "select") {
        expectation.select = words_of(entry.second);
      } else if (key == "red") {
        read_cells(entry.second, "fail", expectation);
      } else if (key == "invalid") {
        read_cells(entry.second, "invalid", expectation);
      } else if (key == "pattern") {
        expectation.pattern = entry.second.as<std::string>();
      } else if (key == "cause") {
        expectation.causes = words_of(entry.second);
      } else if (key == "elsewhere") {
        expectation.elsewhere = words_of(entry.second);
      } else if (key == "rule") {
        expectation.rules = words_of(entry.second);
      } else if (key == "everywhere") {
        expectation.everywhere = entry.second.as<bool>();
      } else {
        return fail(ErrorCode::kInvalidInput, fmt::format("expect: unknown key \"{}\"", key));
      }
    }
    if (expectation.select.empty()) return fail(ErrorCode::kInvalidInput, "expect: select is missing");
    if (expectation.cells.empty()) return fail(ErrorCode::kInvalidInput, "expect: neither red nor invalid cells");
    return expectation;
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("expect: {}", error.what()));
  }
}

Result<Report> read_report(const std::string& json) {
  try {
    const auto document = nlohmann::json::parse(json);
    Report report;
    for (const auto& cell : document.at("cells")) {
      const auto& reason = cell.at("reason");
      JudgedCell judged{cell.at("id"), cell.at("verdict"), reason.at("code"), reason.at("text"), "", ""};
      if (reason.contains("cause")) {
        judged.cause = reason["cause"].at("code");
        judged.cause_node = reason["cause"].at("node");
        judged.cause_rule = reason["cause"].at("rule");
        judged.cause_text = reason["cause"].at("text");
      }
      report.cells.push_back(std::move(judged));
    }
    for (const auto& pattern : document.at("patterns")) {
      if (pattern.at("scope") == "run") report.pattern = pattern.at("text");
    }
    const auto& run = document.at("run");
    if (!run.at("complete").get<bool>()) report.partial = run.value("endedEarly", "for no known reason");
    report.evidence_notes = document.value("evidenceNotes", std::vector<std::string>{});
    return report;
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("not a report: {}", error.what()));
  }
}

CauseCount count_causes(const Expectation& expectation, const Report& report, const std::string& node) {
  CauseCount count;
  for (const auto& cell : report.cells) {
    if (cell.verdict != "fail") continue;
    ++count.red;
    if (!is_cause(cell)) continue;
    ++count.explained;
    if (!cell.cause_rule.empty()) ++count.named;
    if (!is_planted(cell, expectation, node)) ++count.wrong;
  }
  return count;
}

std::vector<Difference> compare(const Expectation& expectation, const Report& report, const std::string& node,
                                const std::vector<std::string>& nodes) {
  std::vector<Difference> differences;
  std::set<std::string> used;
  for (const auto& cell : report.cells) {
    if (cell.verdict == "recorded") continue;
    const ExpectedCells* expected = nullptr;
    for (const auto& each : expectation.cells) {
      if (!matches(each.glob, cell.id, node, nodes)) continue;
      used.insert(each.glob);
      if (expected == nullptr) expected = &each;
    }
    if (expected == nullptr && cell.verdict != "pass") {
      differences.push_back({describe(cell, "pass"), true});
    } else if (expected != nullptr && !right(cell, *expected)) {
      const auto wanted = fmt::format("{} ({})", expected->verdict, fmt::join(expected->reasons, " or "));
      differences.push_back({describe(cell, wanted), false});
    }
  }
  for (const auto& cell : report.cells) {
    if (expectation.causes.empty() || cell.verdict != "fail" || !is_cause(cell)) continue;
    const auto wanted = fmt::format("{} on {} with the rule \"{}\"", fmt::join(expectation.causes, " or "), node,
                                    fmt::join(expectation.rules, "\" or \""));
    const bool lacks_rule = !expectation.rules.empty() && !has_rule(cell, expectation.rules, node);
    if (lacks_rule || !is_planted(cell, expectation, node))
      differences.push_back({fmt::format("{}: cause {} on {} with the rule \"{}\", expected {}", cell.id, cell.cause,
                                         cell.cause_node, cell.cause_rule, wanted),
                             false});
  }
  for (const auto& each : expectation.cells) {
    if (!used.contains(each.glob)) differences.push_back({"no scored cell matches " + each.glob, false});
  }
  const auto pattern = with(expectation.pattern, "$NODE", node);
  if (!report.pattern.contains(pattern)) {
    differences.push_back({fmt::format("pattern: \"{}\", expected \"{}\" in it", report.pattern, pattern), false});
  }
  return differences;
}

}  // namespace conntruth::faults
