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

std::string describe(const JudgedCell& cell, const std::string& wanted) {
  return fmt::format("{}: {} ({}: {}), expected {}", cell.id, cell.verdict, cell.reason, cell.text, wanted);
}

}  // namespace

Result<Expectation> read_expectation(const std::string& yaml) {
  try {
    const auto document = YAML::Load(yaml);
    Expectation expectation;
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
      report.cells.push_back({cell.at("id"), cell.at("verdict"), cell.at("reason").at("code"), cell["reason"]["text"]});
    }
    for (const auto& pattern : document.at("patterns")) {
      if (pattern.at("scope") == "run") report.pattern = pattern.at("text");
    }
    return report;
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("not a report: {}", error.what()));
  }
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
