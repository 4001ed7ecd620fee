#include "lab/proxy/report.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace conntruth::lab_proxy {
namespace {

TEST(Report, is_one_json_object) {
  EXPECT_EQ(to_json({"node-1", 7, 123, 4, "line \"1\""}),
            "{\"node\":\"node-1\",\"generation\":7,\"at_ns\":123,\"changed\":4,\"error\":\"line \\\"1\\\"\"}\n");
}

TEST(Report, makes_its_directory_and_leaves_no_other_file) {
  const auto directory = std::filesystem::path(::testing::TempDir()) / "proxy-report";
  std::filesystem::remove_all(directory);
  ASSERT_TRUE(write_report({"node-1", 1, 2, 3, ""}, (directory / "node-1.json").string()));
  ASSERT_TRUE(write_report({"node-1", 2, 3, 4, ""}, (directory / "node-1.json").string()));
  std::stringstream text;
  text << std::ifstream(directory / "node-1.json").rdbuf();
  EXPECT_EQ(text.str(), to_json({"node-1", 2, 3, 4, ""}));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
  std::filesystem::remove_all(directory);
}

TEST(Report, says_where_it_could_not_be_written) {
  const auto status = write_report({}, "/proc/no-such/place.json");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("/proc/no-such/place.json"), std::string::npos);
}

}  // namespace
}  // namespace conntruth::lab_proxy
