#include "controller/evidence/testimony.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "controller/evidence/answers.hpp"
#include "controller/evidence/choices.hpp"
#include "controller/evidence/rules.hpp"

namespace conntruth::evidence {

namespace {

Cause not_reproduced(const Witness& witness, std::size_t sent) {
  return {CauseCode::kNotReproduced, "", "", "",
          fmt::format("{} of {} flows failed; {} more, sent right afterwards, all ended as expected", witness.wrong,
                      witness.probes, sent)};
}

Cause unheard(std::size_t answers) {
  if (answers == 0) return {CauseCode::kNoEvidence, "", "", "", "no witness of this cell was sent to its end"};
  return {CauseCode::kNoEvidence, "", "", "",
          "no step of its witnesses was seen: their packets carry no id, or the packet walk was not there"};
}

std::map<std::uint32_t, const plan::PlannedTask*> tasks_of(const plan::Stage& stage) {
  std::map<std::uint32_t, const plan::PlannedTask*> tasks;
  for (const auto* list : {&stage.tasks, &stage.follow_tasks}) {
    for (const auto& planned : *list) tasks.emplace(planned.task.id, &planned);
  }
  return tasks;
}

// A SYN to a server is answered by its kernel, whatever it says over HTTP; a connection that is opened anew may have
// another endpoint than the one that it stands for.
bool is_failure(const plan::Cell& cell, const matrix::Classifier& classifier, const Sample& sample) {
  if (cell.rule == plan::CellRule::kKept) return sample.outcome != Outcome::kReplied;
  if (asks_over_http(cell) && sample.outcome == Outcome::kReplied) return !cell.expectation.outcomes.replied;
  return classifier.classify(matrix::joined_of(sample)) != matrix::SampleKind::kAcceptable;
}

bool was_ended(const matrix::CellObservation& seen) { return seen.outcomes.refused > 0; }
bool was_ended_before(const matrix::CellObservation& seen) {
  return was_ended(seen) && seen.outcomes.refused == seen.received;
}

// A connection that was ended in an earlier step is ended still, for the same cause.
void inherit_endings(const plan::Plan& plan, const matrix::Observations& seen,
                     std::map<std::string, CellEvidence>& evidence) {
  std::map<std::uint32_t, std::pair<const plan::Cell*, const matrix::CellObservation*>> by_task;
  const auto first_ending = [&](const plan::Cell& cell) -> const plan::Cell* {
    for (const auto task : cell.earlier) {
      const auto found = by_task.find(task);
      if (found != by_task.end() && was_ended(*found->second.second)) return found->second.first;
    }
    return nullptr;
  };
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    for (std::size_t k = 0; k < plan.stages[i].cells.size(); ++k) {
      const auto& cell = plan.stages[i].cells[k];
      if (cell.rule != plan::CellRule::kKept) continue;
      const auto& observed = seen.stages.at(i).cells.at(k);
      for (const auto task : cell.tasks) by_task[task] = {&cell, &observed};
      const auto* ending = was_ended_before(observed) ? first_ending(cell) : nullptr;
      if (ending == nullptr || !evidence.contains(ending->id)) continue;
      auto told = evidence.at(ending->id);
      told.cause.text = fmt::format("the connection was ended in step {}: {}", ending->step, told.cause.text);
      evidence[cell.id] = std::move(told);
    }
  }
}

}  // namespace

void Testimony::summon(const std::vector<Witness>& witnesses) {
  for (const auto& each : witnesses) witnesses_.emplace(each.task, each);
}

bool Testimony::take(const Sample& sample) {
  if (!is_witness(sample.id)) return false;
  auto& samples = samples_[task_of(sample.id)];
  const auto place = std::ranges::lower_bound(samples, sample.id, {}, &Sample::id);
  if (place == samples.end() || place->id != sample.id) samples.insert(place, sample);
  return true;
}

void Testimony::take(const std::string& agent, const Hop& hop) {
  if (is_witness(hop.probe)) steps_[hop.probe].push_back({agent, hop});
}

void Testimony::take(const std::string& agent, const RuleStep& step) {
  if (is_witness(step.probe)) rules_[step.probe].push_back({agent, step});
}

void Testimony::lose(const std::string& agent, std::uint64_t events) {
  gaps_.push_back(fmt::format("{} lost {} events", agent, events));
  note(fmt::format("{}: {} events of the packet walk were lost", agent, events));
}

struct Testimony::Case {
  const plan::Cell& cell;
  const matrix::CellObservation& seen;
  const Witness& witness;
  const Witness* new_flow;        // null where none was sent
  const plan::PlannedTask* task;  // of the plan; null where it has none of that number
  const matrix::ResponderIndex& responders;
};

const std::vector<Sample>& Testimony::samples_of(const Witness& witness) const {
  static const std::vector<Sample> kNone;
  const auto found = samples_.find(witness.task);
  return found == samples_.end() ? kNone : found->second;
}

Walk Testimony::walk_of(const Case& of, const Sample& sample) const {
  Walk walk;
  walk.sample = sample;
  if (of.task != nullptr) {
    walk.client = of.task->agent;
    walk.established = of.task->task.method == Method::kTcpSocket;
  }
  if (const auto steps = steps_.find(sample.id); steps != steps_.end()) walk.steps = steps->second;
  if (const auto rules = rules_.find(sample.id); rules != rules_.end()) walk.rules = rules->second;
  walk.entries = entries_.of(walk.steps);
  walk.gaps = gaps_;
  put_in_order(walk);
  return walk;
}

void Testimony::find_failure(const Case& of, CellEvidence& evidence) const {
  const auto& samples = samples_of(of.witness);
  const matrix::Classifier classifier(of.cell, of.responders);
  const auto is_better = [&](const Sample& sample, const Sample* kept) {
    return kept == nullptr || (!steps_.contains(kept->id) && steps_.contains(sample.id));
  };
  const Sample* told = nullptr;  // the first that failed and was seen, or else the first that failed
  const Sample* well = nullptr;  // the same of those that did not fail
  for (const auto& sample : samples) {
    const bool failed = is_failure(of.cell, classifier, sample);
    evidence.failed += failed ? 1U : 0U;
    auto& kept = failed ? told : well;
    if (is_better(sample, kept)) kept = &sample;
  }
  const bool said_wrong = std::ranges::any_of(of.seen.http, [](const auto& each) { return !each.acceptable; });
  if (told == nullptr && said_wrong) told = well;
  if (told == nullptr) {
    evidence.cause = samples.empty() ? unheard(0) : not_reproduced(of.witness, samples.size());
    return;
  }
  auto& [cause, walk, witnesses, failed] = evidence;
  walk = walk_of(of, *told);
  if (walk.steps.empty()) {
    cause = unheard(samples.size());
  } else if (asks_over_http(of.cell)) {
    cause = find_health_cause(of.cell, of.seen, walk);
  } else {
    cause =
        asks_for_name(of.cell) ? find_silent_server_cause(of.cell, walk) : find_cause(of.cell, walk, new_flows_of(of));
  }
}

std::vector<Walk> Testimony::new_flows_of(const Case& of) const {
  std::vector<Walk> walks;
  if (of.new_flow == nullptr) return walks;
  for (const auto& sample : samples_of(*of.new_flow)) walks.push_back(walk_of(of, sample));
  return walks;
}

void Testimony::find_choice(const Case& of, CellEvidence& evidence) const {
  std::vector<Walk> walks;
  for (const auto& sample : samples_of(of.witness)) {
    if (sample.outcome == Outcome::kReplied) walks.push_back(walk_of(of, sample));
  }
  evidence.cause = find_choice_cause(of.cell, of.seen, of.responders, walks);
  if (const auto* telling = find_telling_walk(of.cell, of.seen, of.responders, walks)) evidence.walk = *telling;
}

CellEvidence Testimony::evidence_of(const Case& of) const {
  CellEvidence evidence;
  evidence.witnesses = samples_of(of.witness).size();
  if (auto said = find_name_cause(of.cell, of.seen)) {
    evidence.cause = *std::move(said);
    return evidence;
  }
  of.witness.about == Question::kChoice ? find_choice(of, evidence) : find_failure(of, evidence);
  name_rule(of.cell, evidence.walk, evidence.cause);
  return evidence;
}

std::map<std::string, CellEvidence> Testimony::hear(const plan::Plan& plan, const matrix::Observations& seen) const {
  std::map<std::string, CellEvidence> result;
  if (witnesses_.empty()) return result;
  std::map<std::string, const Witness*> by_cell, new_flows;
  for (const auto& [task, witness] : witnesses_) {
    (witness.about == Question::kNewFlow ? new_flows : by_cell).emplace(witness.cell, &witness);
  }
  const matrix::ResponderIndex responders(plan);
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const auto& stage = plan.stages[i];
    const auto tasks = tasks_of(stage);
    for (std::size_t k = 0; k < stage.cells.size(); ++k) {
      const auto& cell = stage.cells[k];
      const auto found = by_cell.find(cell.id);
      if (found == by_cell.end()) continue;
      const auto task = tasks.find(found->second->of);
      const auto new_flow = new_flows.find(cell.id);
      result.emplace(cell.id, evidence_of({cell, seen.stages.at(i).cells.at(k), *found->second,
                                           new_flow == new_flows.end() ? nullptr : new_flow->second,
                                           task == tasks.end() ? nullptr : task->second, responders}));
    }
  }
  inherit_endings(plan, seen, result);
  return result;
}

}  // namespace conntruth::evidence
