#include "common/data_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace conntruth {
namespace {

namespace files = std::filesystem;

TEST(DataFolder, of_an_installed_program_is_beside_it_also_through_a_link) {
  const auto prefix = files::path(testing::TempDir()) / ("conntruth-data-" + std::to_string(::getpid()));
  files::create_directories(prefix / "bin");
  const auto program = prefix / "bin/conntruth";
  std::ofstream(program) << "x";
  EXPECT_EQ(data_folder("catalogue", "/sources", program), "/sources") << "there is none beside it";
  files::create_directories(prefix / "share/conntruth/catalogue");
  files::create_symlink(program, prefix / "link");
  EXPECT_EQ(data_folder("catalogue", "/sources", prefix / "link"), prefix / "share/conntruth/catalogue");
  EXPECT_EQ(data_folder("profiles", "/sources", program), "/sources");
  EXPECT_EQ(data_folder("catalogue", "/sources", prefix / "gone"), "/sources");
  files::remove_all(prefix);
}

}  // namespace
}  // namespace conntruth
