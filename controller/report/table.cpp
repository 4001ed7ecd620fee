#include "controller/report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "controller/judge/names.hpp"
#include "controller/report/glyphs.hpp"
#include "controller/report/grid.hpp"
#include "controller/report/merge.hpp"

namespace conntruth::report {

namespace {

// Colour repeats what a glyph or word already says.
std::string painted(std::string text, judge::Verdict verdict, bool colour) {
  if (!colour) return text;
  switch (verdict) {
    case judge::Verdict::kPass:
      return "\x1b[32m" + text + "\x1b[0m";
    case judge::Verdict::kFail:
      return "\x1b[1;31m" + text + "\x1b[0m";
    case judge::Verdict::kInvalid:
      return "\x1b[33m" + text + "\x1b[0m";
    case judge::Verdict::kError:
      return "\x1b[35m" + text + "\x1b[0m";
    case judge::Verdict::kRecorded:
    case judge::Verdict::kNotRun:
      return "\x1b[2m" + text + "\x1b[0m";
  }
  return text;
}

class GridPrinter {
 public:
  GridPrinter(std::ostream& out, const Grid& grid, bool colour) : out_(out), grid_(grid), colour_(colour) {
    for (const auto& row : grid.rows) label_ = std::max(label_, row.size());
    width_ = std::to_string(grid.columns.size()).size() + 1;
    for (const auto* cell : grid.at) {
      if (cell != nullptr) width_ = std::max({width_, cell->expected_word.size() + 1, cell->observed_word.size() + 1});
    }
    block_ = std::max(width_ * grid.columns.size(), std::string_view(" comparison").size());
  }

  void print() const {
    out_ << grid_.title << '\n';
    out_ << fmt::format("  {:{}} {:<{}}  {:<{}}  {}\n", "", label_, " expected", block_, " observed", block_,
                        " comparison");
    out_ << fmt::format("  {:{}} {:<{}}  {:<{}}  {}\n", "", label_, numbers(), block_, numbers(), block_, numbers());
    for (std::size_t row = 0; row < grid_.rows.size(); ++row) print_row(row);
    print_columns();
  }

 private:
  [[nodiscard]] std::string numbers() const {
    std::string text;
    for (std::size_t i = 1; i <= grid_.columns.size(); ++i) text += fmt::format("{:>{}}", i, width_);
    return text;
  }

  template <typename Glyph>
  [[nodiscard]] std::string block(std::size_t row, bool colour, Glyph glyph) const {
    std::string text;
    for (std::size_t column = 0; column < grid_.columns.size(); ++column) {
      const auto* cell = grid_.cell(row, column);
      const std::string shown = cell == nullptr ? "-" : glyph(*cell);
      text.append(width_ - shown.size(), ' ');
      text += cell == nullptr ? shown : painted(shown, cell->verdict.verdict, colour);
    }
    return text;
  }

  static std::string word_or(const std::string& word, char glyph) {
    return word.empty() ? std::string(1, glyph) : word;
  }

  void print_row(std::size_t row) const {
    const std::string pad(block_ - width_ * grid_.columns.size(), ' ');
    out_ << fmt::format(
        "  {:{}} {}{}  {}{}  {}\n", grid_.rows[row], label_,
        block(row, false, [](const ReportCell& cell) { return word_or(cell.expected_word, cell.expected_glyph); }), pad,
        block(row, false, [](const ReportCell& cell) { return word_or(cell.observed_word, cell.observed_glyph); }), pad,
        block(row, colour_, [](const ReportCell& cell) { return std::string(1, cell.comparison_glyph); }));
  }

  void print_columns() const {
    for (std::size_t i = 0; i < grid_.columns.size(); ++i) {
      out_ << fmt::format("  {:>{}} = {}\n", i + 1, width_, grid_.columns[i]);
    }
    if (grid_.rows_left_out + grid_.columns_left_out > 0) {
      out_ << fmt::format("  ({} rows and {} columns more are not shown; -o json has every cell)\n",
                          grid_.rows_left_out, grid_.columns_left_out);
    }
  }

  std::ostream& out_;
  const Grid& grid_;
  bool colour_;
  std::size_t label_ = 0;
  std::size_t width_ = 2;
  std::size_t block_ = 0;
};

std::string words(const Summary& summary) {
  std::vector<std::string> parts;
  const auto add = [&parts](std::uint64_t count, std::string_view word) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, word));
  };
  add(summary.fail, "fail");
  add(summary.invalid, "invalid");
  add(summary.error, "error");
  add(summary.pass, "pass");
  add(summary.recorded, "recorded");
  add(summary.not_run, "not run");
  return fmt::format("{}", fmt::join(parts, ", "));
}

// A deviation that was predicted is not green in silence.
std::map<std::string, std::uint64_t> profile_counts(const Report& report) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& cell : report.cells) {
    for (const auto& fact : cell.expectation.profile_facts) ++counts[fact];
  }
  return counts;
}

class TablePrinter {
 public:
  TablePrinter(std::ostream& out, const Report& report, const TableOptions& options)
      : out_(out), report_(report), options_(options), grids_(merge_alike(make_grids(report))) {
    for (const auto index : report.table_order) {
      const auto& cell = report.cells[index];
      if (!summaries_.contains(cell.scenario)) scenarios_.push_back(cell.scenario);
      summaries_[cell.scenario].count(cell.verdict.verdict);
      label_ = std::max(label_, cell.scenario.size());
    }
  }

  void print() {
    for (const auto& scenario : scenarios_) print_scenario(scenario);
    if (matrices_ > 0) out_ << kLegend << '\n';
    if (http_) out_ << kHttpLegend << '\n';
    print_not_run();
    print_follow();
    print_gaps();
    print_losses();
  }

 private:
  void print_scenario(const std::string& scenario) {
    const auto& summary = summaries_[scenario];
    const bool red = summary.fail + summary.invalid + summary.error > 0;
    const bool only_pass = summary.pass == summary.total();
    auto state = painted(red ? "FAIL" : "ok", red ? judge::Verdict::kFail : judge::Verdict::kPass, options_.colour);
    if (!red && summary.pass + summary.recorded == 0) state = "-";
    out_ << fmt::format("{:{}}  {:>5} cells  {}{}\n", scenario, label_, summary.total(), state,
                        only_pass ? "" : fmt::format(" ({})", words(summary)));
    bool opened = false;
    for (const auto& grid : grids_) {
      if (grid.scenario != scenario) continue;
      if (options_.mode == TableMode::kCompact && !has_red(grid)) continue;
      opened = true;
      print_grid(grid);
    }
    for (const auto& pattern : report_.patterns) {
      if (pattern.scope == "scenario " + scenario)
        out_ << "  pattern (" << to_string(pattern.kind) << "): " << pattern.text << '\n';
    }
    if (opened) out_ << '\n';
  }

  static bool has_red(const Grid& grid) {
    return std::any_of(grid.at.begin(), grid.at.end(),
                       [](const auto* cell) { return cell != nullptr && is_red(*cell); });
  }

  void print_grid(const Grid& grid) {
    ++matrices_;
    out_ << '\n';
    const auto shown = trimmed(grid, options_.max_rows);
    GridPrinter(out_, shown, options_.colour).print();
    std::size_t lines = 0;
    std::size_t more = 0;
    for (const auto* cell : grid.at) {
      if (cell != nullptr && !(cell->expected_word + cell->observed_word).empty()) http_ = true;
      if (cell == nullptr || !is_red(*cell)) continue;
      if (options_.mode == TableMode::kCompact && lines == options_.max_rows) {
        ++more;
        continue;
      }
      ++lines;
      print_reason(*cell);
    }
    if (more > 0) out_ << fmt::format("  ... and {} red cells more; -o wide lists them all\n", more);
  }

  void print_reason(const ReportCell& cell) {
    const std::string mark(1, cell.comparison_glyph);
    const auto& reason = cell.verdict.reason();
    out_ << fmt::format("  {} {}: {}: {}\n", painted(mark, cell.verdict.verdict, options_.colour), cell.id,
                        to_string(reason.code), reason.text);
    if (options_.mode != TableMode::kWide) return;
    for (std::size_t i = 1; i < cell.verdict.reasons.size(); ++i) {
      out_ << fmt::format("      also {}: {}\n", to_string(cell.verdict.reasons[i].code), cell.verdict.reasons[i].text);
    }
    const auto& counts = cell.observation.outcomes;
    out_ << fmt::format("      expected {}; observed {} replied, {} refused, {} timed out, {} tool errors\n",
                        cell.expectation.http   ? to_string(*cell.expectation.http)
                        : cell.expectation.name ? to_string(*cell.expectation.name)
                                                : to_string(cell.expectation.outcomes),
                        counts.replied, counts.refused, counts.timed_out, counts.tool_error);
  }

  void print_not_run() {
    if (options_.mode != TableMode::kWide) return;
    for (const auto& cell : report_.cells) {
      if (cell.planned || cell.verdict.verdict != judge::Verdict::kNotRun) continue;
      out_ << fmt::format("not run: {}: {}\n", cell.id, cell.verdict.reason().text);
    }
  }

  void print_follow() {
    const FollowRow* slowest = nullptr;
    for (const auto& row : report_.follow) {
      if (options_.mode == TableMode::kWide) {
        out_ << fmt::format("follow: {}: {} (bound {} ms)\n", row.cell,
                            row.observed_ns < 0 ? "never" : judge::milliseconds(row.observed_ns), row.bound_ms);
      }
      if (row.observed_ns >= 0 && (slowest == nullptr || row.observed_ns > slowest->observed_ns)) slowest = &row;
    }
    if (slowest == nullptr) return;
    out_ << fmt::format("changes followed: {} measurements, slowest {} ({}, {}/{}; bound {} ms)\n",
                        report_.follow.size(), judge::milliseconds(slowest->observed_ns), slowest->node,
                        slowest->scenario, slowest->step, slowest->bound_ms);
  }

  // The gap of each node, over its vantages, protocols and families.
  void print_gaps() {
    struct Gap {
      std::uint64_t lost = 0;
      std::uint64_t flows = 0;
      std::optional<std::int64_t> first_ns;
      std::optional<std::int64_t> last_ns;
    };
    std::map<std::string, Gap> gaps;
    for (const auto& cell : report_.cells) {
      if (cell.rule != plan::CellRule::kGap || cell.observation.received == 0) continue;
      auto& gap = gaps[cell.flow.vantage.node];
      const auto& seen = cell.observation;
      gap.flows += seen.received;
      gap.lost += seen.received - seen.count(matrix::SampleKind::kAcceptable);
      const auto& times = seen.follow;
      if (times.first_wrong_ns)
        gap.first_ns = std::min(gap.first_ns.value_or(*times.first_wrong_ns), *times.first_wrong_ns);
      if (times.last_wrong_ns) gap.last_ns = std::max(gap.last_ns.value_or(*times.last_wrong_ns), *times.last_wrong_ns);
    }
    for (const auto& [node, gap] : gaps) {
      out_ << fmt::format("rollout seen from {}: {} of {} new flows lost{}\n", node, gap.lost, gap.flows,
                          !gap.first_ns
                              ? ""
                              : fmt::format(", the first one after {} and the last one after {}",
                                            judge::milliseconds(*gap.first_ns), judge::milliseconds(*gap.last_ns)));
    }
  }

  // A line for each kind, so that a run of many nodes stays readable.
  void print_losses() {
    struct Loss {
      std::uint64_t total = 0;
      std::string where;
    };
    std::map<std::string, Loss> losses;
    for (const auto& agent : report_.agents) {
      if (!agent.error.empty()) out_ << fmt::format("agent {}: {}\n", agent.agent, agent.error);
      for (const auto& counter : agent.losses) {
        if (counter.count == 0) continue;
        auto& loss = losses[counter.name];
        loss.total += counter.count;
        loss.where += fmt::format("{}{} {}", loss.where.empty() ? "" : ", ", agent.agent, counter.count);
      }
    }
    for (const auto& [name, loss] : losses) {
      out_ << fmt::format("counted in the tool: {} {} ({})\n", name, loss.total, loss.where);
    }
    if (report_.foreign_samples > 0)
      out_ << fmt::format("counted in the tool: {} reports of unknown probes\n", report_.foreign_samples);
  }

  std::ostream& out_;
  const Report& report_;
  TableOptions options_;
  std::vector<Grid> grids_;
  std::vector<std::string> scenarios_;
  std::map<std::string, Summary> summaries_;
  std::size_t label_ = 0;
  std::uint64_t matrices_ = 0;
  bool http_ = false;  // a matrix shows words of HTTP
};

}  // namespace

namespace {

// Each cause once, the most frequent first, with the words of one of its cells.
void print_causes(std::ostream& out, const Report& report) {
  struct Count {
    std::uint64_t cells = 0;
    const evidence::Cause* cause = nullptr;
  };
  std::map<std::pair<std::string_view, std::string>, Count> counts;  // by code and node
  for (const auto& cell : report.cells) {
    if (!cell.evidence) continue;
    auto& count = counts[{to_string(cell.evidence->cause.code), cell.evidence->cause.node}];
    if (count.cells++ == 0) count.cause = &cell.evidence->cause;
  }
  std::vector<Count> sorted;
  for (const auto& [key, count] : counts) sorted.push_back(count);
  std::ranges::stable_sort(sorted, std::ranges::greater(), &Count::cells);
  for (const auto& [cells, cause] : sorted)
    out << fmt::format("cause of {} red cells ({}): {}\n", cells, to_string(cause->code), cause->text);
  std::map<std::string, std::uint64_t> notes;  // agents by what is missing there
  for (const auto& note : report.evidence_notes) {
    const auto colon = note.find(": ");
    ++notes[colon == std::string::npos ? note : note.substr(colon + 2)];
  }
  for (const auto& [note, agents] : notes) out << fmt::format("evidence without {} ({} agents)\n", note, agents);
}

}  // namespace

bool wants_colour(bool is_terminal, const char* no_color) {
  return is_terminal && (no_color == nullptr || *no_color == '\0');
}

void print_tables(std::ostream& out, const Report& report, const TableOptions& options) {
  TablePrinter(out, report, options).print();
}

void print_summary(std::ostream& out, const Report& report, const TableOptions& options) {
  for (const auto& pattern : report.patterns) {
    if (pattern.scope == "run")
      out << "pattern of the run (" << to_string(pattern.kind) << "): " << pattern.text << '\n';
  }
  print_causes(out, report);
  if (!report.ended_early.empty()) out << "the run ended early: " << report.ended_early << '\n';
  const auto code = report.exit_code();
  const auto word = code == 0 ? "PASS" : code == 2 ? "FAIL" : code == 3 ? "NOTHING RUN" : "ERROR";
  const auto colour = code == 0 ? judge::Verdict::kPass : code == 2 ? judge::Verdict::kFail : judge::Verdict::kError;
  out << fmt::format("{}: {} cells: {}\n", painted(word, colour, options.colour), report.summary.total(),
                     report.summary.total() == 0 ? "none" : words(report.summary));
  for (const auto& [fact, cells] : profile_counts(report)) {
    out << fmt::format("by profile: {} cells were judged by {}\n", cells, fact);
  }
}

}  // namespace conntruth::report
