#pragma once
// The join: client samples and responders' sights of one run, put together by probe id. One fixed-size slot per planned
// probe, so adding one is an index computation and a copy; nothing is allocated per sample.
//
// Order-free: adding and merging are commutative and associative. A probe id reported twice keeps one of its samples,
// the same whichever came first; how often that happened is counted, and so is every id that no task of the plan has.
// Memory: 48 bytes per planned probe.
// Threading: one writer per table; tables made apart are merged by their owner.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/model/probe.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::matrix {

// Both ends of one probe, without what folding does not need.
struct Joined {
  IpAddress peer;            // replied: the source the responder saw; refused: who refused
  std::uint8_t outcome = 0;  // an Outcome; 0: no sample came
  std::uint8_t refusal = 0;  // a RefusalKind
  std::uint8_t icmp_type = 0;
  std::uint8_t icmp_code = 0;
  std::uint8_t stranger = 0;  // timed out: 1 where something accepted the flow and gave no identity
  std::uint32_t responder = 0;
  std::uint32_t sighted_by = 0;  // the responder that saw the request; 0: none said so
  std::int64_t sent_ns = 0;
  std::int64_t round_trip_ns = 0;
  auto operator<=>(const Joined&) const = default;
};

// Of the client's end alone.
[[nodiscard]] Joined joined_of(const Sample& sample);

// What servers that are none of ours said to one probe; null: nothing.
struct Said {
  const HttpAnswer* http = nullptr;
  const NameAnswer* name = nullptr;
  [[nodiscard]] bool something() const { return http != nullptr || name != nullptr; }
};

// Where a flow left a node, as the connection tracking of that node has it.
struct Translation {
  SocketAddress destination;
  SocketAddress source;
  auto operator<=>(const Translation&) const = default;
};

class SampleTable {
 public:
  explicit SampleTable(const plan::Plan& plan);

  void add(const Sample& sample);
  void add(const Sight& sight);
  // Both tables must be of the same plan.
  void merge(const SampleTable& other);

  // One entry per planned probe of the task, by sequence; empty for an unknown task.
  [[nodiscard]] std::span<const Joined> of_task(std::uint32_t task) const;
  [[nodiscard]] Said said(ProbeId id) const;
  // Where the last node that translated a foreign probe sent it; untranslated where none did; null where none knew it.
  [[nodiscard]] const Translation* translation(ProbeId id) const;
  // The tool error's text of the task's lowest failed probe; "" where there was none.
  [[nodiscard]] const std::string& first_error(std::uint32_t task) const;
  [[nodiscard]] std::uint64_t foreign() const { return foreign_; }        // ids outside of the plan
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_; }  // samples beyond the first of their id
  bool operator==(const SampleTable&) const = default;

 private:
  struct TaskSlots {
    std::uint64_t offset = 0;
    std::uint32_t count = 0;
    SocketAddress target;
    std::uint32_t error_sequence = 0;
    std::string error;
    bool operator==(const TaskSlots&) const = default;
  };
  [[nodiscard]] Joined* slot(ProbeId id);
  template <typename Answer>
  void keep_answer(std::map<ProbeId, Answer>& answers, ProbeId id, const Answer& answer);
  void keep_translation(ProbeId id, const Translation& translation);
  static void keep_first_error(TaskSlots& slots, std::uint32_t sequence, const std::string& text);
  bool keep(Joined& kept, const Joined& seen);

  std::vector<TaskSlots> tasks_;  // by task id
  std::vector<Joined> slots_;
  std::map<ProbeId, HttpAnswer> http_;  // apart, as few probes have one
  std::map<ProbeId, NameAnswer> lookups_;
  std::map<ProbeId, Translation> translations_;
  std::uint64_t foreign_ = 0;
  std::uint64_t duplicates_ = 0;
};

}  // namespace conntruth::matrix
