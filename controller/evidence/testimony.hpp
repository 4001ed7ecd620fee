#pragma once
// What witnesses told: their samples, the hops of their packets and the rules that these met, put together by probe id,
// and from each cell's the walk that its cause is read from. Order-free: the same records in any order give the same.
// Threading: one thread.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/evidence/cause.hpp"
#include "controller/evidence/entries.hpp"
#include "controller/evidence/witnesses.hpp"

namespace conntruth::evidence {

struct CellEvidence {
  Cause cause;
  Walk walk;                    // of the witness that the cause is read from; no steps where there is none
  std::uint64_t witnesses = 0;  // probes that were sent again
  std::uint64_t failed = 0;     // of them
  bool operator==(const CellEvidence&) const = default;
};

class Testimony {
 public:
  void summon(const std::vector<Witness>& witnesses);
  // Whether it is one of a witness; others are left alone.
  bool take(const Sample& sample);
  [[nodiscard]] bool is_witness(ProbeId id) const { return witnesses_.contains(task_of(id)); }
  void take(const std::string& agent, const Hop& hop);
  void take(const std::string& agent, const RuleStep& step);
  void take(const std::string& agent, const EntryLife& life) { entries_.take(agent, life); }
  // What of the walk could not be seen, and where.
  void note(std::string line) { notes_.insert(std::move(line)); }
  // So many events of the agent's walk never came. What was not seen then proves nothing.
  void lose(const std::string& agent, std::uint64_t events);

  // By the cells' ids; those without witnesses are not in it. `plan` and `seen` must be the run's.
  [[nodiscard]] std::map<std::string, CellEvidence> hear(const plan::Plan& plan,
                                                         const matrix::Observations& seen) const;
  [[nodiscard]] const std::set<std::string>& notes() const { return notes_; }

 private:
  struct Case;  // a cell and what is known of it
  [[nodiscard]] CellEvidence evidence_of(const Case& of) const;
  void find_failure(const Case& of, CellEvidence& evidence) const;
  void find_choice(const Case& of, CellEvidence& evidence) const;
  [[nodiscard]] std::vector<Walk> new_flows_of(const Case& of) const;
  [[nodiscard]] const std::vector<Sample>& samples_of(const Witness& witness) const;
  [[nodiscard]] Walk walk_of(const Case& of, const Sample& sample) const;

  std::map<std::uint32_t, Witness> witnesses_;  // by task
  std::map<std::uint32_t, std::vector<Sample>> samples_;
  std::map<ProbeId, std::vector<Step>> steps_;
  std::map<ProbeId, std::vector<MetRule>> rules_;
  Entries entries_;
  std::vector<std::string> gaps_;
  std::set<std::string> notes_;
};

}  // namespace conntruth::evidence
