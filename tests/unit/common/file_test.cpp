#include "common/file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace conntruth {
namespace {

class ReadFile : public ::testing::Test {
 protected:
  ReadFile() { std::filesystem::create_directories(directory_); }
  ~ReadFile() override { std::filesystem::remove_all(directory_); }
  const std::filesystem::path directory_ =
      std::filesystem::path(::testing::TempDir()) / ("conntruth-file-" + std::to_string(getpid()));
};

TEST_F(ReadFile, gives_every_byte) {
  std::string bytes(200'000, 'x');
  bytes[70'000] = '\0';
  std::ofstream(directory_ / "large", std::ios::binary) << bytes;
  EXPECT_EQ(read_file((directory_ / "large").string()).value(), bytes);
}

TEST_F(ReadFile, names_what_is_missing) {
  const auto missing = read_file((directory_ / "missing").string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("/missing"), std::string::npos) << missing.error().message;
}

TEST_F(ReadFile, a_directory_is_an_error_and_no_exception) {
  const auto directory = read_file(directory_.string());
  ASSERT_FALSE(directory);
  EXPECT_NE(directory.error().message.find("directory"), std::string::npos) << directory.error().message;
}

}  // namespace
}  // namespace conntruth
