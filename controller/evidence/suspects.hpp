#pragma once
// Which cells of a stage look red while its samples come in: those with samples that their expectation does not allow,
// and those whose answers came from the wrong choice of endpoints. Looked at before the world changes, so that
// witnesses can be sent. It judges nothing: a suspect may well turn out green, and what only times tell (gaps, late
// followers) is never a suspect. Threading: one thread.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "controller/matrix/classify.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::evidence {

// What is asked of a cell's witnesses.
enum class Question : std::uint8_t {
  kFailure,  // what becomes of one that does not end as it should
  kChoice,   // to which endpoints they are sent, and who decides that: each by itself is well
  kNewFlow,  // whether a flow that begins now is translated where one that began before fails; asked beside kFailure
};

// The task of a cell that fits its expectation least; one of crafted packets before one of sockets, because each of its
// packets has the probe's id.
struct Suspect {
  std::size_t cell = 0;  // index into Stage::cells
  std::uint32_t task = 0;
  std::uint64_t wrong = 0;   // of its probes; with those that nothing came back to where an answer was due
  std::uint64_t probes = 0;  // that it has; at least 1
  Question about = Question::kFailure;
};

class Suspects {
 public:
  // `plan` must outlive it.
  explicit Suspects(const plan::Plan& plan) : responders_(plan) {}

  // Forgets the stage before.
  void begin(const plan::Stage& stage);
  // CLOCK_MONOTONIC; samples of cells with a settling time do not count before it has passed.
  void published(std::int64_t at_ns) { published_ns_ = at_ns; }
  void take(const ResultBatch& batch);
  // In the order of the stage's cells, at most one for each. To be asked when all tasks have ended, or wait in silence.
  [[nodiscard]] std::vector<Suspect> all() const;

 private:
  struct TaskCount {
    std::size_t cell = 0;
    bool crafted = false;
    bool one_flow = false;
    bool ends_when_right = false;
    std::uint64_t planned = 0, received = 0, wrong = 0;
    // Of a server that tells one state after the other: wrong ones that its first right answer excuses.
    std::optional<std::uint32_t> first_right;
    std::vector<std::uint32_t> excusable;
    std::map<std::uint32_t, std::uint64_t> chosen;  // acceptable answers by responder
  };
  void take(const Sample& sample, TaskCount& count) const;
  [[nodiscard]] bool is_settling(const plan::Cell& cell, const Sample& sample) const;
  [[nodiscard]] std::optional<Suspect> suspect(const plan::Cell& cell, const TaskCount& count,
                                               std::uint32_t task) const;
  [[nodiscard]] std::map<std::size_t, Suspect> failing() const;
  [[nodiscard]] bool is_wrong_choice(std::size_t cell) const;
  [[nodiscard]] Suspect choosing(std::size_t cell) const;

  matrix::ResponderIndex responders_;
  const plan::Stage* stage_ = nullptr;
  std::int64_t published_ns_ = 0;
  std::vector<matrix::Classifier> classifiers_;  // parallel to the stage's cells
  std::map<std::uint32_t, TaskCount> tasks_;
};

}  // namespace conntruth::evidence
