#pragma once
// Lots: which fault is planted on which node, and what is then run. The same seed and number give the same. Pure.

#include <cstdint>
#include <string>
#include <vector>

namespace conntruth::faults {

struct Candidate {
  std::string fault;
  std::vector<std::string> select;  // what the fault's own file runs
  bool operator==(const Candidate&) const = default;
};

struct Draw {
  std::string fault;
  std::string node;
  // For `conntruth run`: the fault's own cells that name the node, or these and such cells of another scenario.
  std::vector<std::string> select;
  std::uint64_t world_seed = 0;  // not 0, as in half of all draws: random worlds in their place
  bool operator==(const Draw&) const = default;
};

// `candidates` and `scenarios` (ids) are not empty.
[[nodiscard]] Draw draw(std::uint64_t seed, std::uint64_t number, const std::vector<Candidate>& candidates,
                        const std::vector<std::string>& scenarios);
[[nodiscard]] std::string describe(const Draw& draw);

}  // namespace conntruth::faults
