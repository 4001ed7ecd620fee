// What the programs cost the kernel's verifier, against the budget of verifier_budget.yaml.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>

#include "tests/bpf/event_ring.hpp"

namespace conntruth::tests {
namespace {

struct Cost {
  std::uint32_t verified = 0;  // instructions that the verifier walked through; 0 where the kernel does not tell
  std::uint32_t size = 0;      // instructions that the kernel runs, as it has rewritten them
};

Cost cost_of(int program) {
  bpf_prog_info info{};
  std::uint32_t size = sizeof info;
  EXPECT_EQ(bpf_obj_get_info_by_fd(program, &info, &size), 0) << std::strerror(errno);
  return {.verified = info.verified_insns, .size = info.xlated_prog_len / 8};
}

TEST(Verifier, every_program_stays_within_its_budget) {
  if (const auto why = why_not_here(); !why.empty()) GTEST_SKIP() << why;
  auto ring = EventRing::open(0, {});
  ASSERT_TRUE(ring) << ring.error().message;
  const auto budget = YAML::LoadFile(data_file("verifier_budget.yaml"))["verified"];
  const auto names = ring->programs().names();
  EXPECT_EQ(budget.size(), names.size()) << "a program without a budget, or a budget without a program";
  fmt::print("{:<24} {:>9} {:>9} {:>9}\n", "program", "verified", "budget", "size");
  for (const auto& name : names) {
    ASSERT_TRUE(budget[name]) << name << " has no budget";
    const int program = ring->programs().descriptor(name);
    const auto allowed = budget[name].as<std::uint32_t>();
    if (program < 0) {
      fmt::print("{:<24} {:>9} {:>9} {:>9}\n", name, "not here", allowed, "-");
      continue;
    }
    const auto cost = cost_of(program);
    fmt::print("{:<24} {:>9} {:>9} {:>9}\n", name, cost.verified, allowed, cost.size);
    EXPECT_LE(cost.verified, allowed) << name << ": cheaper, or raise its budget and say why";
    EXPECT_GT(cost.size, 0U) << name;
  }
}

}  // namespace
}  // namespace conntruth::tests
