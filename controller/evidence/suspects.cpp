#include "controller/evidence/suspects.hpp"

#include <algorithm>

#include "common/stats/shares.hpp"
#include "controller/judge/judge.hpp"

namespace conntruth::evidence {

namespace {

// Cells whose probes can be sent again, and mean the same then.
bool can_be_sent_again(const plan::Cell& cell) {
  const bool timed = cell.rule == plan::CellRule::kGap || cell.rule == plan::CellRule::kLeave;
  return !timed && cell.expectation.scored && !cell.foreign;
}

bool is_crafted(Method method) {
  return method == Method::kUdpCrafted || method == Method::kTcpSyn || method == Method::kSctpInit;
}

bool is_worse(const Suspect& one, const Suspect& other) { return one.wrong * other.probes > other.wrong * one.probes; }

bool asks_a_server(const plan::Cell& cell) { return cell.expectation.http || cell.expectation.name; }

matrix::Said said_of(const Sample& sample) {
  return {sample.http ? &*sample.http : nullptr, sample.name ? &*sample.name : nullptr};
}

}  // namespace

void Suspects::begin(const plan::Stage& stage) {
  stage_ = &stage;
  published_ns_ = 0;
  classifiers_.clear();
  tasks_.clear();
  for (std::size_t index = 0; index < stage.cells.size(); ++index) {
    const auto& cell = stage.cells[index];
    classifiers_.emplace_back(cell, responders_);
    if (!can_be_sent_again(cell)) continue;
    for (const auto task : cell.tasks) tasks_[task].cell = index;
  }
  for (const auto* list : {&stage.tasks, &stage.follow_tasks}) {
    for (const auto& planned : *list) {
      const auto found = tasks_.find(planned.task.id);
      if (found == tasks_.end()) continue;
      found->second.planned = planned.task.count;
      found->second.crafted = is_crafted(planned.task.method);
      found->second.ends_when_right = planned.task.until_count > 0;
      found->second.one_flow = planned.task.source_port != 0 || planned.task.connection != 0;
    }
  }
}

bool Suspects::is_settling(const plan::Cell& cell, const Sample& sample) const {
  return cell.settle.count() > 0 &&
         sample.sent_ns < published_ns_ + std::chrono::duration_cast<std::chrono::nanoseconds>(cell.settle).count();
}

void Suspects::take(const Sample& sample, TaskCount& count) const {
  ++count.received;
  if (sample.outcome == Outcome::kToolError) return;
  const auto& cell = stage_->cells[count.cell];
  const auto kind = classifiers_[count.cell].classify(matrix::joined_of(sample), said_of(sample));
  const auto sequence = sequence_of(sample.id);
  if (kind == matrix::SampleKind::kAcceptable) {
    count.first_right = std::min(sequence, count.first_right.value_or(sequence));
    if (sample.responder != 0) ++count.chosen[sample.responder];
  } else if (!is_settling(cell, sample)) {
    ++count.wrong;
  } else if (asks_a_server(cell)) {
    count.excusable.push_back(sequence);
  }
}

void Suspects::take(const ResultBatch& batch) {
  for (const auto& sample : batch.samples) {
    if (const auto found = tasks_.find(task_of(sample.id)); found != tasks_.end()) take(sample, found->second);
  }
}

std::optional<Suspect> Suspects::suspect(const plan::Cell& cell, const TaskCount& count, std::uint32_t task) const {
  if (count.planned == 0) return std::nullopt;
  if (cell.rule == plan::CellRule::kFollow) {
    // It was followed if anything came that is right; how late is not what the kernel did to one packet.
    if (count.received == 0 || count.wrong < count.received) return std::nullopt;
    return Suspect{count.cell, task, count.wrong, count.received};
  }
  // Lookups, and flows that lived before the change, stop when they are right.
  const bool stops_early = cell.expectation.name.has_value() || (count.ends_when_right && count.first_right);
  // Tasks to which nothing ever came back are still waiting.
  const bool silence_is_wrong = !cell.expectation.outcomes.timed_out && !stops_early;
  const auto silent = silence_is_wrong ? count.planned - std::min(count.planned, count.received) : 0;
  const auto unexcused = std::ranges::count_if(
      count.excusable, [&](std::uint32_t sequence) { return !count.first_right || sequence > *count.first_right; });
  const auto wrong = count.wrong + silent + static_cast<std::uint64_t>(unexcused);
  if (wrong == 0) return std::nullopt;
  return Suspect{count.cell, task, wrong, stops_early ? std::max(wrong, count.received) : count.planned};
}

std::map<std::size_t, Suspect> Suspects::failing() const {
  std::map<std::size_t, Suspect> worst;
  for (const auto& [task, count] : tasks_) {
    const auto found = suspect(stage_->cells[count.cell], count, task);
    if (!found) continue;
    const auto [kept, fresh] = worst.try_emplace(count.cell, *found);
    if (fresh) continue;
    const bool kept_crafted = tasks_.at(kept->second.task).crafted;
    if (count.crafted != kept_crafted ? count.crafted : is_worse(*found, kept->second)) kept->second = *found;
  }
  return worst;
}

// As judge/spread_findings will have it.
bool Suspects::is_wrong_choice(std::size_t cell) const {
  const auto& expectation = stage_->cells[cell].expectation;
  const auto rule = stage_->cells[cell].rule;
  if (!expectation.outcomes.replied || asks_a_server(stage_->cells[cell])) return false;
  const bool shares = rule == plan::CellRule::kFlows && expectation.spread == Spread::kUniform;
  std::map<std::uint32_t, std::uint64_t> chosen;
  for (const auto task : stage_->cells[cell].tasks) {
    const auto found = tasks_.find(task);
    if (found == tasks_.end() || (shares && found->second.one_flow)) continue;
    for (const auto& [responder, count] : found->second.chosen) chosen[responder] += count;
  }
  const auto& endpoints = classifiers_[cell].acceptable();
  if (rule == plan::CellRule::kRotate) return endpoints.size() > 1 && chosen.size() == 1;
  if (rule == plan::CellRule::kFlows && expectation.spread == Spread::kSticky) return chosen.size() > 1;
  if (!shares) return false;
  std::vector<std::uint64_t> counts;
  counts.reserve(endpoints.size());
  for (const auto endpoint : endpoints) counts.push_back(chosen[endpoint]);
  const auto test = stats::test_even_shares(counts, judge::kShareAlpha);
  return std::min(test.chi_square_p, test.exact_p) < judge::kShareAlpha;
}

Suspect Suspects::choosing(std::size_t cell) const {
  const auto& tasks = stage_->cells[cell].tasks;
  const auto crafted = std::ranges::find_if(tasks, [&](std::uint32_t task) { return tasks_.at(task).crafted; });
  const auto task = crafted == tasks.end() ? tasks.front() : *crafted;
  return {cell, task, 0, std::max<std::uint64_t>(1, tasks_.at(task).planned), Question::kChoice};
}

std::vector<Suspect> Suspects::all() const {
  auto found = failing();
  // What fails explains what is missing.
  for (std::size_t cell = 0; cell < classifiers_.size(); ++cell) {
    if (!found.contains(cell) && is_wrong_choice(cell)) found.emplace(cell, choosing(cell));
  }
  std::vector<Suspect> result;
  result.reserve(found.size());
  for (const auto& [cell, suspect] : found) result.push_back(suspect);
  return result;
}

}  // namespace conntruth::evidence
