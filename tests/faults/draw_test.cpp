// A seed has to give the same again, and all of what there is.
#include "tests/faults/draw.hpp"

#include <gtest/gtest.h>

#include <set>

namespace conntruth::faults {
namespace {

const std::vector<Candidate> kCandidates = {{"one", {"a"}}, {"two", {"b/c>*"}}};
const std::vector<std::string> kScenarios = {"x", "y"};

TEST(FaultDraw, a_seed_and_a_number_give_the_same_again) {
  EXPECT_EQ(draw(7, 3, kCandidates, kScenarios), draw(7, 3, kCandidates, kScenarios));
}

TEST(FaultDraw, every_fault_node_and_kind_of_selection_comes) {
  std::set<std::string> faults, nodes;
  std::set<std::size_t> selections;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto drawn = draw(1, i, kCandidates, kScenarios);
    faults.insert(drawn.fault);
    nodes.insert(drawn.node);
    selections.insert(drawn.select.size());
    EXPECT_EQ(drawn.select.empty(), drawn.world_seed != 0);
  }
  EXPECT_EQ(faults.size(), 2U);
  EXPECT_EQ(nodes.size(), 3U);
  EXPECT_EQ(selections.size(), 3U);
}

}  // namespace
}  // namespace conntruth::faults
