// The runner of random faults is worth what it finds: a fault that states another cause than its own has to be told.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "lab/faults/faults.hpp"
#include "tests/faults/draw.hpp"
#include "tests/support/process.hpp"

namespace conntruth::faults {
namespace {

using testing::HasSubstr;

constexpr const char* kFault = "external-ip-dead";

class RandomFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "making network namespaces needs root";
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // The fault's file, saying that its cause is `cause`.
  void write_fault(const std::string& cause) const {
    const std::string stated = "cause: dropped-by-rule";
    std::stringstream text;
    text << std::ifstream(fmt::format("{}/{}.yaml", lab::fault_directory(), kFault)).rdbuf();
    auto changed = text.str();
    const auto at = changed.find(stated);
    ASSERT_NE(at, std::string::npos);
    changed.replace(at, stated.size(), "cause: " + cause);
    std::ofstream(fmt::format("{}/{}.yaml", directory_, kFault)) << changed;
  }
  // One run with the cells of the fault's own file.
  [[nodiscard]] support::Finished run() const {
    const auto is_own = [](std::uint64_t seed) {
      const auto drawn = draw(seed, 0, {{kFault, {"external-ip"}}}, {"clusterip"});
      return drawn.world_seed == 0 && drawn.select.size() == 1;
    };
    std::uint64_t seed = 1;
    while (!is_own(seed)) ++seed;
    return support::run_process({CONNTRUTH_BIN_DIR "/random_faults", "--random", "1", "--seed", std::to_string(seed)},
                                {"CONNTRUTH_FAULTS=" + directory_});
  }

  const std::string directory_ = fmt::format("/tmp/conntruth-test-random-faults-{}", getpid());
};

TEST_F(RandomFaults, tell_a_cause_that_is_not_the_stated_one) {
  write_fault("untracked");
  const auto finished = run();
  EXPECT_EQ(finished.status, 2) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("WRONG: --seed"));
  EXPECT_THAT(finished.out, HasSubstr("cause dropped-by-rule on node-"));
}

TEST_F(RandomFaults, are_content_with_the_stated_one) {
  write_fault("dropped-by-rule");
  const auto finished = run();
  EXPECT_EQ(finished.status, 0) << finished.out << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("1 runs (1 with red cells, 0 broken)"));
}

}  // namespace
}  // namespace conntruth::faults
