#include "lab/files.hpp"
#include "common/file.hpp"

#include <gtest/gtest.h>

namespace conntruth::lab {
namespace {

TEST(Files, a_file_is_read_to_its_end) { EXPECT_FALSE(read_file("/proc/self/maps").value_or("").empty()); }

TEST(Files, an_error_in_the_middle_of_reading_is_an_error_and_no_exception) {
  const auto text = read_file("/");  // opens, and cannot be read
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("read /"), std::string::npos) << text.error().message;
}

}  // namespace
}  // namespace conntruth::lab
