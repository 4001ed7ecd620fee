#include "tests/faults/draw.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <random>

#include "tests/faults/fault_lab.hpp"

namespace conntruth::faults {

namespace {

// What a fault on a node may reach of a scenario: {0} is the scenario, {1} the node as client or as entry.
constexpr std::array<const char*, 2> kParts = {"{0}/*{1}*/ipv4", "{0}/*{1}*/ipv6"};

class Lots {
 public:
  Lots(std::uint64_t seed, std::uint64_t number) {
    std::seed_seq both{seed, number};
    engine_.seed(both);
  }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  template <typename List>
  [[nodiscard]] const auto& one_of(const List& list) {
    return list[below(list.size())];
  }

 private:
  std::mt19937_64 engine_;
};

// Of a whole scenario the cells that name the node, as client or as entry.
std::string about(const std::string& select, const std::string& node) {
  return select.contains('/') ? select : fmt::format("{}/*{}*", select, node);
}

}  // namespace

Draw draw(std::uint64_t seed, std::uint64_t number, const std::vector<Candidate>& candidates,
          const std::vector<std::string>& scenarios) {
  Lots lots(seed, number);
  const auto& candidate = lots.one_of(candidates);
  Draw result{candidate.fault, lots.one_of(all_nodes()), {}, 0};
  const auto kind = lots.below(4);
  if (kind < 2) {
    result.world_seed = 1 + lots.below(1'000'000);
    return result;
  }
  for (const auto& select : candidate.select) result.select.push_back(about(select, result.node));
  if (kind == 2) return result;
  const auto& scenario = lots.one_of(scenarios);
  result.select.push_back(fmt::format(fmt::runtime(lots.one_of(kParts)), scenario, result.node));
  return result;
}

std::string describe(const Draw& draw) {
  return fmt::format("{} on {}, {}", draw.fault, draw.node,
                     draw.world_seed != 0 ? fmt::format("worlds of seed {}", draw.world_seed)
                                          : fmt::format("{}", fmt::join(draw.select, ",")));
}

}  // namespace conntruth::faults
