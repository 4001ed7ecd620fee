#pragma once
// Which probes are sent again, with the walk attached, for cells that look red: the same flow, place and target, under
// task ids that no task of the plan has. So many of each that one of them fails, if they fail as often as before, with
// a chance of 95 %. The method is the same but where its packets carry no id: what was asked over HTTP is asked by
// crafted SYNs, a DNS server by crafted datagrams that it does not understand. A kept connection is opened anew and
// gets as many requests as the one that failed. A flow that began earlier has flows beside it that begin now: what
// becomes of these tells an old entry of connection tracking from rules that are missing. Pure functions and plain
// values.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/evidence/suspects.hpp"
#include "controller/plan/plan.hpp"

namespace conntruth::evidence {

inline constexpr std::size_t kMostWitnesses = 2000;  // cells of one stage; what is beyond has no cause, and says so
inline constexpr std::uint32_t kMostWitnessProbes = 100;  // for one cell: finds what happens to one flow in twenty
inline constexpr std::uint32_t kChoiceProbes = 16;        // that show who chooses, and two choices where there are two
inline constexpr std::uint32_t kNewFlowProbes = 4;

struct Witness {
  std::uint32_t task = 0;               // the witness's own
  std::uint32_t of = 0;                 // the plan's task that it repeats
  std::string cell;                     // id
  std::uint64_t wrong = 0, probes = 0;  // of the plan's task
  Question about = Question::kFailure;
  bool operator==(const Witness&) const = default;
};

struct Summons {
  std::vector<Witness> witnesses;
  std::vector<plan::PlannedTask> tasks;  // parallel to it
  std::size_t cells = 0;                 // that they are of
  std::size_t left_out = 0;              // cells beyond kMostWitnesses
};

// The highest task id of the plan; witnesses' are above it.
[[nodiscard]] std::uint32_t last_task(const plan::Plan& plan);
[[nodiscard]] Summons summon(const plan::Stage& stage, const std::vector<Suspect>& suspects, std::uint32_t first_task);

// As a run keeps them among its records.
inline constexpr std::string_view kWitnessMarker = "witnesses";
[[nodiscard]] std::string to_json(const std::vector<Witness>& witnesses);
// kInvalidInput for anything else.
[[nodiscard]] Result<std::vector<Witness>> read_witnesses(std::string_view json);

}  // namespace conntruth::evidence
