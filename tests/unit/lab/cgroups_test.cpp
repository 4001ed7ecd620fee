#include "lab/topology/cgroups.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace conntruth::lab {
namespace {

namespace files = std::filesystem;

class Cgroups : public testing::Test {
 protected:
  void TearDown() override { files::remove_all(root_); }
  void add(const std::string& path) const { files::create_directories(root_ + path); }
  const std::string root_ = testing::TempDir() + "/conntruth-cgroups-" + std::to_string(::getpid());
};

TEST_F(Cgroups, of_a_lab_go_from_every_hierarchy_and_those_of_others_stay) {
  for (const auto* hierarchy : {"", "/memory", "/pids"}) {
    add(std::string(hierarchy) + "/conntruth-lab.a/node-1/one");
    add(std::string(hierarchy) + "/conntruth-lab.ab/node-1");
  }
  ASSERT_TRUE(remove_cgroups("a", root_));
  for (const auto* hierarchy : {"", "/memory", "/pids"}) {
    EXPECT_FALSE(files::exists(root_ + hierarchy + "/conntruth-lab.a"));
    EXPECT_TRUE(files::exists(root_ + hierarchy + "/conntruth-lab.ab/node-1"));
  }
  EXPECT_TRUE(remove_cgroups("a", root_)) << "what is gone is gone";
}

TEST_F(Cgroups, that_cannot_go_are_named) {
  add("/memory/conntruth-lab.a/node-1");
  std::ofstream(root_ + "/memory/conntruth-lab.a/node-1/tasks") << "1\n";
  const auto removed = remove_cgroups("a", root_);
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().message, testing::HasSubstr("/memory/conntruth-lab.a/node-1"));
}

}  // namespace
}  // namespace conntruth::lab
