#pragma once
// Results on their way to the controller: gathered into batches, numbered, kept until acknowledged, sent again after a
// cut. Bounded by congested(): the worker stops starting probes when `capacity` batches wait.
// Threading: any thread.

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/session/worker.hpp"

namespace conntruth::session {

using TimePoint = std::chrono::steady_clock::time_point;
using Clock = std::function<TimePoint()>;

struct SpoolOptions {
  std::size_t batch_samples = 4096;     // a batch with that many samples (or sights or hops) is closed
  std::chrono::milliseconds flush{50};  // one that is older as well
  std::size_t capacity = 64;            // batches that wait or are not acknowledged, from which on it is congested
};

class Spool : public ResultSink {
 public:
  // `wake` is called (without locks held) when there is something to send or a flush to wait for.
  Spool(SpoolOptions options, Clock now, std::function<void()> wake);

  void samples(std::uint64_t assignment, std::vector<Sample> samples) override;
  void sights(std::vector<Sight> sights) override;
  void hops(std::vector<Hop> hops) override;
  void rules(std::vector<RuleStep> rules) override;
  void entries(std::vector<EntryLife> entries) override;
  void rulesets(std::vector<Ruleset> rulesets) override;
  void notes(std::uint64_t assignment, std::vector<std::string> notes) override;
  void finished(std::uint64_t assignment, const std::string& error) override;
  void quiet(std::uint64_t assignment) override;
  [[nodiscard]] bool congested() const override;

  // The next batch to send, encoded; none where nothing is due. `losses` go along with the end of an assignment.
  using Losses = std::function<std::vector<LossCounter>()>;
  [[nodiscard]] std::optional<std::string> next_to_send(const Losses& losses);
  // When the oldest open batch is due; max() where none is open.
  [[nodiscard]] TimePoint next_flush() const;
  void acknowledge(std::uint64_t sequence);
  // After a cut: everything that is not acknowledged is to be sent again.
  void rewind();
  // Another session: forgets everything and counts from 1 again.
  void clear();

  [[nodiscard]] std::uint64_t acknowledged() const;
  [[nodiscard]] std::size_t waiting() const;              // batches that are closed and not acknowledged
  [[nodiscard]] std::uint64_t dropped_sights() const;     // beyond four times the capacity
  [[nodiscard]] std::uint64_t dropped_hops() const;       // the same
  [[nodiscard]] std::uint64_t dropped_rules() const;      // the same
  [[nodiscard]] std::uint64_t dropped_entries() const;    // the same
  [[nodiscard]] std::uint64_t dropped_rulesets() const;   // the same
  [[nodiscard]] std::uint64_t forgotten_batches() const;  // by clear()
  [[nodiscard]] std::uint64_t resent_batches() const;

 private:
  struct Open {
    ResultBatch batch;
    TimePoint since;
  };

  template <typename T>
  void add_seen(std::vector<T> ResultBatch::* column, std::vector<T> seen, std::uint64_t& dropped);
  // With the lock held.
  Open& open_for(std::uint64_t assignment);
  void close(std::uint64_t assignment);
  void close_due(TimePoint now);

  const SpoolOptions options_;
  const Clock now_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::map<std::uint64_t, Open> open_;      // by assignment; what was seen alone is under 0
  std::deque<ResultBatch> closed_;          // not numbered yet
  std::deque<std::string> unacknowledged_;  // encoded; the first one is acknowledged_ + 1
  std::size_t unsent_ = 0;                  // index into unacknowledged_ of the next one to send
  std::uint64_t acknowledged_ = 0;
  std::uint64_t dropped_sights_ = 0;
  std::uint64_t dropped_hops_ = 0;
  std::uint64_t dropped_rules_ = 0;
  std::uint64_t dropped_entries_ = 0;
  std::uint64_t dropped_rulesets_ = 0;
  std::uint64_t forgotten_batches_ = 0;
  std::uint64_t resent_batches_ = 0;
};

}  // namespace conntruth::session
