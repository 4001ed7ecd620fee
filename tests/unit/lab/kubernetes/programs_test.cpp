#include "lab/kubernetes/programs.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace conntruth::lab {
namespace {

namespace files = std::filesystem;
using testing::HasSubstr;

class BuiltPrograms : public testing::Test {
 protected:
  void SetUp() override { files::create_directories(root_); }
  void TearDown() override { files::remove_all(root_); }
  void add(const std::string& path) {
    const auto file = files::path(root_) / path;
    files::create_directories(file.parent_path());
    std::ofstream(file) << "#!/bin/sh\n";
    files::permissions(file, files::perms::owner_all);
  }
  std::string root_ = testing::TempDir() + "/conntruth-programs-" + std::to_string(::getpid());
};

TEST_F(BuiltPrograms, the_newest_version_that_has_the_program_is_taken) {
  add("cache/v1.9.1-aa/bin/kube-apiserver");
  add("cache/v1.34.4-aa/bin/kube-apiserver");
  add("cache/v1.36.3-aa/bin/kube-proxy");
  const auto programs = Programs::look("", root_ + "/cache");
  ASSERT_TRUE(programs);
  EXPECT_EQ(programs->find("kube-apiserver", "", "")->version, "v1.34.4");
  EXPECT_EQ(programs->find("kube-proxy", "", "")->path, root_ + "/cache/v1.36.3-aa/bin/kube-proxy");
}

TEST_F(BuiltPrograms, a_version_may_be_cut_after_a_part_but_not_within) {
  add("cache/v1.34.4-aa/bin/kube-proxy");
  const auto programs = Programs::look("", root_ + "/cache");
  for (const auto* version : {"1", "1.34", "v1.34", "1.34.4", "v1.34.4"}) {
    EXPECT_TRUE(programs->find("kube-proxy", version, "")) << version;
  }
  for (const auto* version : {"1.3", "1.34.40", "2"})
    EXPECT_FALSE(programs->find("kube-proxy", version, "")) << version;
}

TEST_F(BuiltPrograms, a_missing_version_is_answered_with_those_that_are_there_and_the_remedy) {
  add("cache/v1.34.4-aa/bin/kube-proxy");
  add("cache/v1.36.3-aa/bin/kube-proxy");
  add("cache/v1.37.0-aa.tmp/bin/kube-proxy");  // a build that was interrupted
  const auto message = Programs::look("", root_ + "/cache")->find("kube-proxy", "1.37", "").error().message;
  EXPECT_THAT(message, HasSubstr("no kube-proxy 1.37 was built; there is v1.36.3, v1.34.4 in"));
  EXPECT_THAT(message, HasSubstr("./run setup kube"));
  EXPECT_THAT(Programs::look("", root_ + "/none")->find("etcd", "", "").error().message, HasSubstr("there is none in"));
}

TEST_F(BuiltPrograms, a_folder_of_the_user_comes_first_unless_a_version_was_named) {
  add("mine/kube-proxy");
  add("cache/v1.36.3-aa/bin/kube-proxy");
  add("cache/v1.36.3-aa/bin/kube-apiserver");
  const auto programs = Programs::look(root_ + "/mine", root_ + "/cache");
  ASSERT_TRUE(programs);
  EXPECT_TRUE(programs->find("kube-proxy", "", "v1.36.3")->path.ends_with("/mine/kube-proxy"));
  EXPECT_EQ(programs->find("kube-proxy", "1.36", "")->version, "v1.36.3");
  EXPECT_EQ(programs->find("kube-apiserver", "", "")->version, "v1.36.3");
}

TEST_F(BuiltPrograms, a_folder_without_any_of_the_programs_is_a_mistake) {
  files::create_directories(root_ + "/empty");
  const auto programs = Programs::look(root_ + "/empty", root_ + "/cache");
  ASSERT_FALSE(programs);
  EXPECT_THAT(programs.error().message, HasSubstr("there is none of kube-apiserver, kube-proxy"));
}

}  // namespace
}  // namespace conntruth::lab
