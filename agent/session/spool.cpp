#include "agent/session/spool.hpp"

#include <algorithm>
#include <iterator>

#include "common/codec/session_codec.hpp"

namespace conntruth::session {

namespace {

constexpr std::size_t kLongRuleset = std::size_t{1} << 20U;  // bytes

template <typename T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  if (to.empty()) {
    to = std::move(from);
  } else {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  }
}

}  // namespace

Spool::Spool(SpoolOptions options, Clock now, std::function<void()> wake)
    : options_(options), now_(std::move(now)), wake_(std::move(wake)) {}

void Spool::samples(std::uint64_t assignment, std::vector<Sample> samples) {
  if (samples.empty()) return;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = !open_.contains(assignment);
    auto& batch = open_for(assignment).batch;
    append(batch.samples, std::move(samples));
    if (batch.samples.size() >= options_.batch_samples) {
      close(assignment);
      news = true;
    }
  }
  if (news) wake_();
}

// What was seen belongs to no assignment: it waits by itself and goes along with the next batch that is closed.
template <typename T>
void Spool::add_seen(std::vector<T> ResultBatch::* column, std::vector<T> seen, std::uint64_t& dropped) {
  if (seen.empty()) return;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_.size() + unacknowledged_.size() >= 4 * options_.capacity) {
      dropped += seen.size();
      return;
    }
    news = !open_.contains(0);
    auto& all = open_for(0).batch.*column;
    append(all, std::move(seen));
    if (all.size() >= options_.batch_samples) {
      close(0);
      news = true;
    }
  }
  if (news) wake_();
}

void Spool::sights(std::vector<Sight> sights) { add_seen(&ResultBatch::sights, std::move(sights), dropped_sights_); }
void Spool::hops(std::vector<Hop> hops) { add_seen(&ResultBatch::hops, std::move(hops), dropped_hops_); }
void Spool::rules(std::vector<RuleStep> rules) { add_seen(&ResultBatch::rules, std::move(rules), dropped_rules_); }

void Spool::entries(std::vector<EntryLife> entries) {
  add_seen(&ResultBatch::entries, std::move(entries), dropped_entries_);
}

// A long one goes alone: messages have a bound.
void Spool::rulesets(std::vector<Ruleset> rulesets) {
  for (auto& each : rulesets) {
    const bool is_long = each.text_zstd.size() > kLongRuleset;
    add_seen(&ResultBatch::rulesets, {std::move(each)}, dropped_rulesets_);
    if (!is_long) continue;
    {
      const std::lock_guard lock(mutex_);
      if (open_.contains(0)) close(0);
    }
    wake_();
  }
}

void Spool::notes(std::uint64_t assignment, std::vector<std::string> notes) {
  const std::lock_guard lock(mutex_);
  append(open_for(assignment).batch.notes, std::move(notes));
}

void Spool::finished(std::uint64_t assignment, const std::string& error) {
  {
    const std::lock_guard lock(mutex_);
    auto& batch = open_for(assignment).batch;
    batch.assignment_done = true;
    batch.assignment_error = error;
    close(assignment);
  }
  wake_();
}

void Spool::quiet(std::uint64_t assignment) {
  {
    const std::lock_guard lock(mutex_);
    open_for(assignment).batch.assignment_quiet = true;
    close(assignment);
  }
  wake_();
}

bool Spool::congested() const {
  const std::lock_guard lock(mutex_);
  return closed_.size() + unacknowledged_.size() >= options_.capacity;
}

std::optional<std::string> Spool::next_to_send(const Losses& losses) {
  std::unique_lock lock(mutex_);
  if (unsent_ == unacknowledged_.size()) {
    close_due(now_());
    if (closed_.empty()) return std::nullopt;
    auto batch = std::move(closed_.front());
    closed_.pop_front();
    batch.sequence = acknowledged_ + unacknowledged_.size() + 1;
    // Encoding takes a millisecond or two: the worker's threads must not wait for it. Only this thread numbers batches,
    // and an acknowledgement that comes meanwhile does not change the number.
    lock.unlock();
    if (batch.assignment_done) batch.losses = losses();
    auto bytes = codec::encode_batch(batch);
    lock.lock();
    unacknowledged_.push_back(std::move(bytes));
  }
  return unacknowledged_[unsent_++];
}

TimePoint Spool::next_flush() const {
  const std::lock_guard lock(mutex_);
  auto earliest = TimePoint::max();
  for (const auto& [assignment, open] : open_) earliest = std::min(earliest, open.since + options_.flush);
  return earliest;
}

void Spool::acknowledge(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  while (acknowledged_ < sequence && !unacknowledged_.empty()) {
    unacknowledged_.pop_front();
    ++acknowledged_;
    unsent_ -= std::min<std::size_t>(unsent_, 1);
  }
}

void Spool::rewind() {
  const std::lock_guard lock(mutex_);
  resent_batches_ += unsent_;
  unsent_ = 0;
}

void Spool::clear() {
  const std::lock_guard lock(mutex_);
  forgotten_batches_ += open_.size() + closed_.size() + unacknowledged_.size();
  open_.clear();
  closed_.clear();
  unacknowledged_.clear();
  unsent_ = 0;
  acknowledged_ = 0;
}

std::uint64_t Spool::acknowledged() const {
  const std::lock_guard lock(mutex_);
  return acknowledged_;
}

std::size_t Spool::waiting() const {
  const std::lock_guard lock(mutex_);
  return closed_.size() + unacknowledged_.size();
}

std::uint64_t Spool::dropped_sights() const {
  const std::lock_guard lock(mutex_);
  return dropped_sights_;
}

std::uint64_t Spool::dropped_hops() const {
  const std::lock_guard lock(mutex_);
  return dropped_hops_;
}

std::uint64_t Spool::dropped_rules() const {
  const std::lock_guard lock(mutex_);
  return dropped_rules_;
}

std::uint64_t Spool::dropped_entries() const {
  const std::lock_guard lock(mutex_);
  return dropped_entries_;
}

std::uint64_t Spool::dropped_rulesets() const {
  const std::lock_guard lock(mutex_);
  return dropped_rulesets_;
}

std::uint64_t Spool::forgotten_batches() const {
  const std::lock_guard lock(mutex_);
  return forgotten_batches_;
}

std::uint64_t Spool::resent_batches() const {
  const std::lock_guard lock(mutex_);
  return resent_batches_;
}

Spool::Open& Spool::open_for(std::uint64_t assignment) {
  const auto [position, is_new] = open_.try_emplace(assignment);
  if (is_new) {
    position->second.batch.assignment = assignment;
    position->second.since = now_();
  }
  return position->second;
}

// What the responders saw goes along with the next batch of samples; an end of an assignment must not overtake it.
void Spool::close(std::uint64_t assignment) {
  auto node = open_.extract(assignment);
  auto& batch = node.mapped().batch;
  if (const auto seen = open_.find(0); seen != open_.end()) {
    append(batch.sights, std::move(seen->second.batch.sights));
    append(batch.hops, std::move(seen->second.batch.hops));
    append(batch.rules, std::move(seen->second.batch.rules));
    append(batch.entries, std::move(seen->second.batch.entries));
    append(batch.rulesets, std::move(seen->second.batch.rulesets));
    open_.erase(seen);
  }
  closed_.push_back(std::move(batch));
}

void Spool::close_due(TimePoint now) {
  std::vector<std::uint64_t> due;
  for (const auto& [assignment, open] : open_) {
    if (open.since + options_.flush <= now) due.push_back(assignment);
  }
  // Those with samples first: they take the sights along.
  std::ranges::reverse(due);
  for (const auto assignment : due) {
    if (open_.contains(assignment)) close(assignment);
  }
}

}  // namespace conntruth::session
