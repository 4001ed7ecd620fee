// From plan, observations and judgement to the value that every output is made of.
#include "controller/report/report.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "controller/judge/names.hpp"
#include "controller/report/glyphs.hpp"

namespace conntruth::report {

namespace {

bool by_address(const NamedCount& a, const NamedCount& b) {
  return std::tie(a.address, a.name) < std::tie(b.address, b.name);
}

class CellBuilder {
 public:
  CellBuilder(const plan::Cell& cell, const matrix::CellObservation& seen, const judge::Names& names)
      : cell_(cell), seen_(seen), names_(names) {}

  [[nodiscard]] ReportCell build(std::size_t stage, const judge::CellVerdict& verdict) const {
    ReportCell result;
    result.id = cell_.id;
    result.scenario = cell_.scenario;
    result.step = cell_.step;
    result.table = cell_.table;
    result.row = cell_.row;
    result.column = cell_.column;
    result.flow = cell_.flow;
    result.stage = stage;
    result.rule = cell_.rule;
    result.foreign = cell_.foreign;
    result.follow_bound_ms = cell_.follow_bound.count();
    result.settle_ms = cell_.settle.count();
    result.expectation = cell_.expectation;
    result.observation = seen_;
    result.verdict = verdict;
    result.expected_glyph = expected_glyph(cell_.expectation.outcomes);
    result.observed_glyph = observed_glyph(verdict, seen_.outcomes);
    result.comparison_glyph = comparison_glyph(verdict.verdict);
    result.expected_word = http_word(cell_.expectation);
    result.observed_word = http_word(seen_);
    add_endpoints(result);
    return result;
  }

 private:
  [[nodiscard]] NamedCount named(const matrix::ResponderCount& entry) const {
    const auto address = names_.responder_address(entry.responder, cell_.flow.family());
    return {names_.responder(entry.responder), address.to_string(), entry.total(), entry.acceptable};
  }

  void add_endpoints(ReportCell& result) const {
    for (const auto& entry : seen_.responders) result.observed_endpoints.push_back(named(entry));
    for (const auto& entry : seen_.foreign.elsewhere) {
      result.observed_endpoints.push_back(
          {names_.endpoint(entry.address), entry.address.to_string(), entry.count, false});
    }
    for (const auto& entry : seen_.arrived_at) result.arrived_at.push_back(named(entry));
    for (const auto& entry : seen_.refusals) {
      result.refusals.push_back({judge::describe(entry.refusal, names_), "", entry.count, true});
    }
    for (const auto& endpoint : cell_.expectation.endpoints) {
      result.expected_endpoints.push_back({names_.endpoint(endpoint), endpoint.to_string(), 0, true});
      const bool answered = std::any_of(seen_.responders.begin(), seen_.responders.end(), [&](const auto& entry) {
        return names_.answers_at(entry.responder, cell_.flow.protocol, endpoint);
      });
      if (!answered && seen_.received > 0) result.observed_endpoints.push_back(result.expected_endpoints.back());
    }
    std::sort(result.observed_endpoints.begin(), result.observed_endpoints.end(), by_address);
    std::sort(result.arrived_at.begin(), result.arrived_at.end(), by_address);
  }

  const plan::Cell& cell_;
  const matrix::CellObservation& seen_;
  const judge::Names& names_;
};

std::vector<ReportControl> controls_of(const plan::Cell& cell, const plan::Stage& stage,
                                       const matrix::StageObservation& observed) {
  std::vector<ReportControl> controls;
  for (const auto index : cell.controls) {
    if (index >= stage.controls.size() || index >= observed.controls.size()) continue;
    const auto& seen = observed.controls[index];
    const bool held = seen.planned > 0 && seen.right == seen.planned;
    controls.push_back({stage.controls[index].id, stage.controls[index].positive, held, seen.planned, seen.right});
  }
  return controls;
}

FollowRow follow_row(const ReportCell& cell, const matrix::RunFacts& facts) {
  FollowRow row;
  row.node = cell.flow.vantage.node;
  row.cell = cell.id;
  row.scenario = cell.scenario;
  row.step = cell.step;
  row.stage = cell.stage;
  row.bound_ms = cell.follow_bound_ms;
  row.verdict = cell.verdict.verdict;
  row.observed_ns = cell.observation.follow.first_right_ns.value_or(-1);
  row.settled_ns = cell.observation.follow.last_wrong_ns.value_or(-1);
  // What went away was followed when the last flow had reached it.
  if (cell.rule == plan::CellRule::kLeave) row.observed_ns = std::max<std::int64_t>(row.settled_ns, 0);
  if (cell.stage >= facts.stages.size()) return row;
  const auto& stage = facts.stages[cell.stage];
  for (const auto& claim : stage.programmed) {
    if (claim.node == row.node && claim.error.empty()) row.programmed_ns = claim.at_ns - stage.published_ns;
  }
  return row;
}

ReportCell unplanned(const plan::NotRun& entry, const judge::CellVerdict& verdict, std::size_t stage) {
  ReportCell cell;
  cell.id = entry.cell;
  cell.scenario = entry.scenario;
  cell.stage = stage;
  cell.planned = false;
  cell.verdict = verdict;
  return cell;
}

void sort_cells(Report& report) {
  std::vector<std::size_t> order(report.cells.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return report.cells[a].id < report.cells[b].id; });
  std::vector<ReportCell> sorted;
  sorted.reserve(order.size());
  report.table_order.resize(order.size());
  for (const auto index : order) {
    report.table_order[index] = sorted.size();
    sorted.push_back(std::move(report.cells[index]));
  }
  report.cells = std::move(sorted);
}

}  // namespace

Report make_report(RunInfo run, const plan::Plan& plan, const matrix::Observations& observations,
                   const judge::Judgement& judgement, const matrix::RunFacts& facts, Evidence evidence) {
  const judge::Names names(plan);
  Report report;
  report.run = std::move(run);
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const auto& stage = plan.stages[i];
    const auto& observed = observations.stages.at(i);
    for (std::size_t k = 0; k < stage.cells.size(); ++k) {
      const auto& cell = stage.cells[k];
      auto built = CellBuilder(cell, observed.cells.at(k), names).build(i, judgement.stages.at(i).at(k));
      built.controls = controls_of(cell, stage, observed);
      if (built.verdict.verdict == judge::Verdict::kFail) {
        // A suspect may turn out not to be red; what is told of it then is no cause of anything.
        if (auto told = evidence.cells.extract(cell.id); !told.empty()) built.evidence = std::move(told.mapped());
      }
      if (cell.rule == plan::CellRule::kFollow || cell.rule == plan::CellRule::kLeave)
        report.follow.push_back(follow_row(built, facts));
      report.cells.push_back(std::move(built));
    }
  }
  for (std::size_t i = 0; i < plan.not_run.size(); ++i) {
    report.cells.push_back(unplanned(plan.not_run[i], judgement.not_run.at(i), plan.stages.size()));
  }
  for (const auto& cell : report.cells) {
    report.summary.count(cell.verdict.verdict);
    if (!cell.expectation.profile_facts.empty()) ++report.summary.by_profile;
  }
  sort_cells(report);
  std::stable_sort(report.follow.begin(), report.follow.end(), [](const FollowRow& a, const FollowRow& b) {
    return std::tie(a.stage, a.node, a.cell) < std::tie(b.stage, b.node, b.cell);
  });
  report.agents = facts.agents;
  std::sort(report.agents.begin(), report.agents.end(), [](const auto& a, const auto& b) { return a.agent < b.agent; });
  for (auto& agent : report.agents) {
    std::sort(agent.losses.begin(), agent.losses.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }
  report.patterns = judgement.patterns;
  report.evidence_notes.assign(evidence.notes.begin(), evidence.notes.end());
  report.ended_early = facts.ended_early;
  report.foreign_samples = observations.foreign;
  report.duplicate_samples = observations.duplicates;
  return report;
}

void Summary::count(judge::Verdict verdict) {
  switch (verdict) {
    case judge::Verdict::kPass:
      ++pass;
      return;
    case judge::Verdict::kFail:
      ++fail;
      return;
    case judge::Verdict::kInvalid:
      ++invalid;
      return;
    case judge::Verdict::kError:
      ++error;
      return;
    case judge::Verdict::kRecorded:
      ++recorded;
      return;
    case judge::Verdict::kNotRun:
      ++not_run;
      return;
  }
}

int Report::exit_code() const {
  if (summary.fail > 0) return 2;
  if (summary.invalid > 0 || summary.error > 0 || !ended_early.empty()) return 1;
  // That the canary was followed says nothing about what was asked for.
  const auto answers = [](const ReportCell& cell) {
    const bool judged =
        cell.verdict.verdict == judge::Verdict::kPass || cell.verdict.verdict == judge::Verdict::kRecorded;
    return judged && cell.rule != plan::CellRule::kFollow;
  };
  return std::ranges::any_of(cells, answers) ? 0 : 3;
}

}  // namespace conntruth::report
