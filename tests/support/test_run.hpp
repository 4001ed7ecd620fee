#pragma once
// The controller's half of a test: takes events, acknowledges, remembers every sample it was given.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "controller/fleet/fleet.hpp"

namespace conntruth::support {

inline Assignment make_work(std::uint64_t id, std::uint32_t task, std::uint32_t probes) {
  ProbeTask work;
  work.id = task;
  work.count = probes;
  Assignment assignment;
  assignment.id = id;
  assignment.tasks = {work};
  return assignment;
}

class TestRun {
 public:
  explicit TestRun(fleet::Fleet& fleet) : fleet_(fleet) {}

  // Takes events until the predicate over this holds; false after a minute.
  template <typename Predicate>
  [[nodiscard]] bool until(Predicate predicate) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!predicate(*this)) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      if (auto event =
              fleet_.next(std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(20)))) {
        take(*event);
      }
    }
    return true;
  }
  [[nodiscard]] bool until_joined(int times = 1) {
    return until([times](const TestRun& run) { return run.joined >= times; });
  }
  [[nodiscard]] bool until_done(std::uint64_t assignment) {
    return until([assignment](const TestRun& run) { return run.done.contains(assignment); });
  }
  // Every probe of the task exactly once, in order.
  [[nodiscard]] bool has_each_once(std::uint32_t task, std::uint32_t probes) const {
    std::uint32_t next = 0;
    for (const auto id : samples) {
      if (task_of(id) == task && sequence_of(id) != next++) return false;
    }
    return next == probes;
  }

  int joined = 0;
  int resumed = 0;
  std::vector<std::string> lost;
  std::vector<ProbeId> samples;
  std::vector<Sample> whole_samples;
  std::size_t sights = 0;
  std::vector<Hop> hops;
  std::vector<std::string> notes;
  std::map<std::uint64_t, std::string> done;  // assignment to its error
  std::vector<LossCounter> losses;
  std::vector<std::uint64_t> sequences;
  bool acknowledging = true;

 private:
  void take(const fleet::Event& event) {
    if (std::holds_alternative<fleet::AgentJoined>(event)) ++joined;
    if (std::holds_alternative<fleet::AgentResumed>(event)) ++resumed;
    if (const auto* gone = std::get_if<fleet::AgentLost>(&event)) lost.push_back(gone->why);
    const auto* arrived = std::get_if<fleet::Batch>(&event);
    if (arrived == nullptr) return;
    const auto& batch = arrived->batch;
    for (const auto& sample : batch.samples) samples.push_back(sample.id);
    whole_samples.insert(whole_samples.end(), batch.samples.begin(), batch.samples.end());
    sights += batch.sights.size();
    hops.insert(hops.end(), batch.hops.begin(), batch.hops.end());
    notes.insert(notes.end(), batch.notes.begin(), batch.notes.end());
    sequences.push_back(batch.sequence);
    if (batch.assignment_done) {
      done[batch.assignment] = batch.assignment_error;
      losses = batch.losses;
    }
    if (acknowledging) fleet_.acknowledge(arrived->agent, batch.sequence);
  }

  fleet::Fleet& fleet_;
};

}  // namespace conntruth::support
