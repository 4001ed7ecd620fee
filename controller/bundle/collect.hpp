#pragma once
// What a stored run has of some cells: their samples, their witnesses' samples, packets and entries, and the rulesets
// of the nodes, picked out of its records. Threading: one thread.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/result.hpp"
#include "controller/bundle/pcapng.hpp"
#include "controller/evidence/entries.hpp"
#include "controller/plan/plan.hpp"
#include "controller/store/run_store.hpp"

namespace conntruth::bundle {

inline constexpr std::size_t kMostPackets = 20'000;  // of a cell

struct CellRecords {
  std::size_t stage = 0;
  std::string samples;  // lines of CSV
  std::uint64_t sample_count = 0;
  std::vector<evidence::Step> steps;  // of all its witnesses, at devices, with the packets' bytes
  std::uint64_t steps_left_out = 0;   // beyond kMostPackets
  std::set<std::string> nodes;        // agents that sent its probes, or that its witnesses came by
};

// Stage, node, place. "" is the node itself.
using RulesetKey = std::tuple<std::size_t, std::string, std::string>;

struct Records {
  std::map<std::string, CellRecords> cells;          // by id
  std::map<RulesetKey, Ruleset> rulesets;            // of the cells' stages
  std::map<std::size_t, evidence::Entries> entries;  // by stage

  [[nodiscard]] ClockOffsets offsets(std::size_t stage) const;
};

// Of the cells with these ids; ids that the plan does not have are passed over.
[[nodiscard]] Result<Records> collect(const store::RunStore& runs, const std::string& run, const plan::Plan& plan,
                                      const std::set<std::string>& cells);

}  // namespace conntruth::bundle
