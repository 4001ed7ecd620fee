#include "tests/faults/cause_tally.hpp"

#include <fmt/format.h>

namespace conntruth::faults {

namespace {

void add(Counted& counted, const CauseCount& count) {
  ++counted.runs;
  if (count.red > 0) ++counted.red_runs;
  counted.causes.red += count.red;
  counted.causes.explained += count.explained;
  counted.causes.wrong += count.wrong;
  counted.causes.named += count.named;
}

std::string percent(const CauseCount& count) {
  if (count.red == 0) return "-";
  return fmt::format("{:.1f} %", 100.0 * static_cast<double>(count.explained) / static_cast<double>(count.red));
}

}  // namespace

void CauseTally::take(const std::string& fault, const Expectation& expectation, const Report& report,
                      const std::string& node) {
  const auto count = count_causes(expectation, report, node);
  add(total_, count);
  add(faults_[fault], count);
  for (const auto& cell : report.cells) {
    if (cell.verdict != "fail") continue;
    auto& code = codes_[cell.cause.empty() ? "none" : cell.cause];
    ++code.red;
    if (is_cause(cell) && !is_planted(cell, expectation, node)) ++code.wrong;
    if (!cell.cause_rule.empty()) ++code.named;
  }
}

std::string CauseTally::line() const {
  const auto& causes = total_.causes;
  return fmt::format("{} runs ({} with red cells, {} broken), causes given for {} of {} red cells ({}), wrong {}",
                     runs(), total_.red_runs, broken_, causes.explained, causes.red, percent(causes), causes.wrong);
}

std::string CauseTally::tables() const {
  std::string text =
      "| fault | runs | with red cells | red cells | causes | share | wrong |\n|---|---|---|---|---|---|---|\n";
  for (const auto& [fault, counted] : faults_) {
    const auto& causes = counted.causes;
    text += fmt::format("| `{}` | {} | {} | {} | {} | {} | {} |\n", fault, counted.runs, counted.red_runs, causes.red,
                        causes.explained, percent(causes), causes.wrong);
  }
  text += "\n| code | red cells | of them name a rule | wrong |\n|---|---|---|---|\n";
  for (const auto& [code, count] : codes_)
    text += fmt::format("| `{}` | {} | {} | {} |\n", code, count.red, count.named, count.wrong);
  return text;
}

}  // namespace conntruth::faults
