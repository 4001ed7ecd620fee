#include "controller/oracle/explain.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace conntruth::oracle {
namespace {

template <typename Values>
std::string joined(const Values& values) {
  std::string text;
  for (const auto& value : values) {
    if (!text.empty()) text += " or ";
    text += value.to_string();
  }
  return text;
}

std::string_view spread_words(Spread spread) {
  switch (spread) {
    case Spread::kUniform:
      return "each with equal chance";
    case Spread::kSticky:
      return "one of them for all flows of this client";
    case Spread::kFree:
      return "in any shares";
  }
  return "";
}

std::string source_words(const Expectation& expectation) {
  if (expectation.source == SourceRule::kAny) return "any source";
  const bool hairpin = std::ranges::find(expectation.rules, "source-hairpin", &Rule::id) != expectation.rules.end();
  return fmt::format("source {} ({}){}", to_string(expectation.source), joined(expectation.source_addresses),
                     hairpin ? ", but never the answering pod itself" : "");
}

std::string expected_words(const Expectation& expectation) {
  if (!expectation.outcomes.replied) return to_string(expectation.outcomes);
  if (expectation.name) return "told " + to_string(*expectation.name);
  std::string text = expectation.http ? "replied with HTTP " + to_string(*expectation.http)
                                      : "replied by " + joined(expectation.endpoints);
  if (expectation.endpoints.size() > 1) text += fmt::format(", {}", spread_words(expectation.spread));
  if (!expectation.http) text += "; " + source_words(expectation);
  const OutcomeSet others{
      .replied = false, .refused = expectation.outcomes.refused, .timed_out = expectation.outcomes.timed_out};
  return others == OutcomeSet{} ? text : text + "; or " + to_string(others);
}

}  // namespace

std::string explain_text(const Expectation& expectation) {
  std::string text = expectation.scored ? "expected: " : "recorded, not scored: ";
  text += expected_words(expectation) + "\nbecause:\n";
  std::size_t number = 0;
  for (const Rule& rule : expectation.rules) {
    text += fmt::format("  {}. {}\n     [{}; {}]\n", ++number, rule.text, rule.id, rule.source);
  }
  return text;
}

}  // namespace conntruth::oracle
