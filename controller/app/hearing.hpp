#pragma once
// Asks why, while the world of a stage still stands: looks which cells came out wrong, has the packet walk attached on
// every node, sends witnesses of those cells again, and has it detached. Nothing is done, and nothing attached, where
// all is as expected. What comes in is stored like any other result; evidence/testimony reads it. Threading: the run's
// thread.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/probe.hpp"
#include "controller/evidence/suspects.hpp"
#include "controller/evidence/witnesses.hpp"

namespace conntruth::app {

class Runner;

// Of a run's records: ids of the assignments that order the walk, and lines about evidence that cannot be had.
inline constexpr std::string_view kWalkOrdersMarker = "walk-orders";
inline constexpr std::string_view kEvidenceNoteMarker = "evidence-note";

class Hearing {
 public:
  // Both must outlive it.
  Hearing(Runner& runner, const plan::Plan& plan);

  void begin(const plan::Stage& stage) { suspects_.begin(stage); }
  void published(std::int64_t at_ns) { suspects_.published(at_ns); }
  void take(const ResultBatch& batch) { suspects_.take(batch); }
  // To be called when the stage's tasks have ended, or only wait in silence. Errors are those of storing and of the
  // fleet.
  [[nodiscard]] Status hold(const plan::Stage& stage);

 private:
  // Without cells that cannot be judged because an agent was lost: their silence is known.
  [[nodiscard]] std::vector<evidence::Suspect> suspects(const plan::Stage& stage) const;
  [[nodiscard]] Status order(WalkOrder walk);
  [[nodiscard]] Status question(const evidence::Summons& summons);

  Runner& runner_;
  const plan::Plan& plan_;
  evidence::Suspects suspects_;
  std::uint32_t next_task_;
  std::set<std::string> watchers_;  // agents that can walk
};

}  // namespace conntruth::app
