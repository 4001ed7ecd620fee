#include "lab/proxy/directory_watch.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace conntruth::lab_proxy {
namespace {

class Watch : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(directory_); }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  void write(const char* name) const { std::ofstream(directory_ / name) << "x"; }

  const std::filesystem::path directory_ = std::filesystem::path(::testing::TempDir()) / "proxy-watch";
};

TEST_F(Watch, sees_the_file_replaced_and_no_other) {
  auto watch = DirectoryWatch::open((directory_ / "world.json").string());
  ASSERT_TRUE(watch) << watch.error().message;
  EXPECT_FALSE(watch->drain());
  write("other.json");
  EXPECT_FALSE(watch->drain());
  std::filesystem::rename(directory_ / "other.json", directory_ / "world.json");
  EXPECT_TRUE(watch->drain());
  EXPECT_FALSE(watch->drain());
}

TEST_F(Watch, needs_the_directory) {
  const auto watch = DirectoryWatch::open((directory_ / "none" / "world.json").string());
  ASSERT_FALSE(watch);
  EXPECT_EQ(watch.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace conntruth::lab_proxy
