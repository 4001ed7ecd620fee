#include "controller/matrix/sample_table.hpp"

#include <algorithm>

namespace conntruth::matrix {

namespace {

constexpr std::uint8_t kNoSample = 0;

template <typename Visit>
void for_each_task(const plan::Plan& plan, Visit visit) {
  for (const auto& stage : plan.stages) {
    for (const auto& planned : stage.follow_tasks) visit(planned.task);
    for (const auto& planned : stage.tasks) visit(planned.task);
  }
}

// Several responders may see one request (a duplicated packet); the lowest id stands for them.
std::uint32_t lower_sight(std::uint32_t one, std::uint32_t other) {
  if (one == 0 || other == 0) return std::max(one, other);
  return std::min(one, other);
}

}  // namespace

Joined joined_of(const Sample& sample) {
  Joined joined;
  joined.outcome = static_cast<std::uint8_t>(sample.outcome);
  joined.sent_ns = sample.sent_ns;
  joined.round_trip_ns = sample.round_trip_ns;
  if (sample.outcome == Outcome::kReplied) {
    joined.responder = sample.responder;
    joined.peer = sample.seen_source.address;
  } else if (sample.outcome == Outcome::kRefused) {
    joined.refusal = static_cast<std::uint8_t>(sample.refusal.kind);
    joined.icmp_type = sample.refusal.icmp_type;
    joined.icmp_code = sample.refusal.icmp_code;
    joined.peer = sample.refusal.from;
  } else if (sample.outcome == Outcome::kTimedOut) {
    joined.stranger = sample.error.empty() ? 0 : 1;
  }
  return joined;
}

SampleTable::SampleTable(const plan::Plan& plan) {
  std::uint32_t highest = 0;
  for_each_task(plan, [&](const ProbeTask& task) { highest = std::max(highest, task.id); });
  tasks_.resize(std::size_t{highest} + 1);
  std::uint64_t offset = 0;
  for_each_task(plan, [&](const ProbeTask& task) {
    tasks_[task.id].offset = offset;
    tasks_[task.id].count = task.count;
    tasks_[task.id].target = task.target;
    offset += task.count;
  });
  slots_.resize(offset);
}

Joined* SampleTable::slot(ProbeId id) {
  const auto task = task_of(id);
  if (task >= tasks_.size() || sequence_of(id) >= tasks_[task].count) return nullptr;
  return &slots_[tasks_[task].offset + sequence_of(id)];
}

template <typename Answer>
void SampleTable::keep_answer(std::map<ProbeId, Answer>& answers, ProbeId id, const Answer& answer) {
  const auto [known, fresh] = answers.try_emplace(id, answer);
  if (!fresh) known->second = std::min(known->second, answer);
}

void SampleTable::add(const Sample& sample) {
  auto* kept = slot(sample.id);
  if (kept == nullptr) {
    ++foreign_;
    return;
  }
  if (keep(*kept, joined_of(sample))) ++duplicates_;
  if (sample.http) keep_answer(http_, sample.id, *sample.http);
  if (sample.name) keep_answer(lookups_, sample.id, *sample.name);
  if (sample.outcome == Outcome::kToolError) {
    keep_first_error(tasks_[task_of(sample.id)], sequence_of(sample.id), sample.error);
  }
}

void SampleTable::add(const Sight& sight) {
  auto* kept = slot(sight.id);
  if (kept == nullptr) {
    ++foreign_;
    return;
  }
  if (sight.destination != SocketAddress{}) return keep_translation(sight.id, {sight.destination, sight.source});
  kept->sighted_by = lower_sight(kept->sighted_by, sight.responder);
}

// Of two samples of one probe the lesser one in the order of their fields stays. True where there were two.
bool SampleTable::keep(Joined& kept, const Joined& seen) {
  const auto sighted_by = lower_sight(kept.sighted_by, seen.sighted_by);
  Joined mine = kept;
  Joined theirs = seen;
  mine.sighted_by = theirs.sighted_by = sighted_by;
  const bool both = mine.outcome != kNoSample && theirs.outcome != kNoSample;
  if (mine.outcome == kNoSample || (both && theirs < mine)) mine = theirs;
  kept = mine;
  return both;
}

// A node that only passes the flow on has it untranslated; of two that translate it the order of their values decides.
void SampleTable::keep_translation(ProbeId id, const Translation& translation) {
  const auto [known, fresh] = translations_.try_emplace(id, translation);
  if (fresh) return;
  const auto& target = tasks_[task_of(id)].target;
  const bool known_passes = known->second.destination == target;
  const bool passes = translation.destination == target;
  if (known_passes != passes ? known_passes : translation < known->second) known->second = translation;
}

const Translation* SampleTable::translation(ProbeId id) const {
  const auto found = translations_.find(id);
  return found == translations_.end() ? nullptr : &found->second;
}

Said SampleTable::said(ProbeId id) const {
  const auto in = [id](const auto& answers) {
    const auto found = answers.find(id);
    return found == answers.end() ? nullptr : &found->second;
  };
  return {in(http_), in(lookups_)};
}

void SampleTable::keep_first_error(TaskSlots& slots, std::uint32_t sequence, const std::string& text) {
  if (text.empty()) return;
  const bool first = slots.error.empty() || sequence < slots.error_sequence ||
                     (sequence == slots.error_sequence && text < slots.error);
  if (!first) return;
  slots.error_sequence = sequence;
  slots.error = text;
}

void SampleTable::merge(const SampleTable& other) {
  duplicates_ += other.duplicates_;
  foreign_ += other.foreign_;
  for (const auto& [id, answer] : other.http_) keep_answer(http_, id, answer);
  for (const auto& [id, answer] : other.lookups_) keep_answer(lookups_, id, answer);
  for (const auto& [id, translation] : other.translations_) keep_translation(id, translation);
  for (std::size_t i = 0; i < slots_.size() && i < other.slots_.size(); ++i) {
    if (keep(slots_[i], other.slots_[i])) ++duplicates_;
  }
  for (std::size_t task = 0; task < tasks_.size() && task < other.tasks_.size(); ++task) {
    keep_first_error(tasks_[task], other.tasks_[task].error_sequence, other.tasks_[task].error);
  }
}

std::span<const Joined> SampleTable::of_task(std::uint32_t task) const {
  if (task >= tasks_.size()) return {};
  return std::span(slots_).subspan(tasks_[task].offset, tasks_[task].count);
}

const std::string& SampleTable::first_error(std::uint32_t task) const {
  return tasks_[task < tasks_.size() ? task : 0].error;  // task ids start at 1: entry 0 is empty
}

}  // namespace conntruth::matrix
