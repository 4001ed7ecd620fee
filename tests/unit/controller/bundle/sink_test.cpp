// Folders and archives: whole or not at all. The archives are read by tar(1).
#include "controller/bundle/sink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/file.hpp"
#include "controller/bundle/samples.hpp"

namespace conntruth::bundle {
namespace {

namespace fs = std::filesystem;

class BundleSink : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "conntruth-bundle-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }
  [[nodiscard]] std::vector<std::string> there() const {
    std::vector<std::string> names;
    for (const auto& each : fs::directory_iterator(folder)) names.push_back(each.path().filename().string());
    return names;
  }
  [[nodiscard]] std::string untar(const std::string& file) const {
    const auto command = "tar -xf " + path(file) + " -C " + folder.string() + " 2>&1";
    auto* pipe = popen(command.c_str(), "r");
    std::string said;
    for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) said += static_cast<char>(c);
    return pclose(pipe) == 0 ? said : "tar failed: " + said;
  }
  fs::path folder;
};

TEST_F(BundleSink, a_folder_has_every_file_and_only_at_the_end) {
  auto sink = open_sink(path("out"), 0);
  ASSERT_TRUE(sink) << sink.error().message;
  ASSERT_TRUE((*sink)->add("README.txt", "read me"));
  ASSERT_TRUE((*sink)->add("cells/1-a/cell.json", "{}"));
  EXPECT_FALSE(fs::exists(path("out")));
  ASSERT_TRUE((*sink)->finish());
  sink->reset();
  EXPECT_EQ(there(), std::vector<std::string>{"out"});
  EXPECT_EQ(read_file(path("out/cells/1-a/cell.json")), "{}");
}

TEST_F(BundleSink, tar_reads_what_is_in_an_archive) {
  const std::string long_text(1025, 'x');
  const std::string zeros(512, '\0');
  auto sink = open_sink(path("out.tar"), 1'700'000'000);
  ASSERT_TRUE(sink) << sink.error().message;
  ASSERT_TRUE((*sink)->add("README.txt", "read me"));
  ASSERT_TRUE((*sink)->add("cells/1-a/samples.csv", long_text));
  ASSERT_TRUE((*sink)->add("empty", ""));
  ASSERT_TRUE((*sink)->add("zeros", zeros));
  ASSERT_TRUE((*sink)->finish());
  EXPECT_EQ(untar("out.tar"), "");
  EXPECT_EQ(read_file(path("out/README.txt")), "read me");
  EXPECT_EQ(read_file(path("out/cells/1-a/samples.csv")), long_text);
  EXPECT_EQ(read_file(path("out/empty")), "");
  EXPECT_EQ(read_file(path("out/zeros")), zeros);
}

TEST_F(BundleSink, without_an_end_nothing_is_left) {
  for (const auto* name : {"out", "out.tar"}) {
    auto sink = open_sink(path(name), 0);
    ASSERT_TRUE(sink);
    ASSERT_TRUE((*sink)->add("file", "bytes"));
  }
  EXPECT_TRUE(there().empty());
}

TEST_F(BundleSink, what_is_there_already_is_left_alone) {
  fs::create_directory(path("folder"));
  std::ofstream(path("file.tar")) << "mine";
  std::ofstream(path("other.tar.part")) << "somebody is at it";
  fs::create_symlink("nowhere", path("link"));
  for (const auto* name : {"folder", "folder/", "file.tar", "other.tar", "link"}) {
    const auto sink = open_sink(path(name), 0);
    ASSERT_FALSE(sink) << name;
    EXPECT_EQ(sink.error().code, ErrorCode::kConflict);
  }
  EXPECT_EQ(write_new_file(path("file.tar"), "x").error().code, ErrorCode::kConflict);
  EXPECT_EQ(read_file(path("file.tar")), "mine");
  EXPECT_EQ(there().size(), 4U);
}

TEST_F(BundleSink, one_that_comes_meanwhile_is_not_overwritten) {
  auto sink = open_sink(path("out.tar"), 0);
  ASSERT_TRUE(sink);
  std::ofstream(path("out.tar")) << "mine";
  EXPECT_EQ((*sink)->finish().error().code, ErrorCode::kConflict);
  sink->reset();
  EXPECT_EQ(read_file(path("out.tar")), "mine");
  EXPECT_EQ(there().size(), 1U);
}

TEST_F(BundleSink, a_place_that_cannot_be_written_is_named) {
  const auto sink = open_sink(path("no/such/folder.tar"), 0);
  ASSERT_FALSE(sink);
  EXPECT_NE(sink.error().message.find("no/such/folder.tar"), std::string::npos);
}

TEST_F(BundleSink, a_full_disk_is_said_with_what_helps) {
  const auto full =
      tar_sink("folder", 0, [](std::string_view) -> Status { return fail(ErrorCode::kResource, "full"); });
  EXPECT_EQ(full->add("file", "bytes").error().code, ErrorCode::kResource);
}

TEST_F(BundleSink, a_file_is_written_whole) {
  ASSERT_TRUE(write_new_file(path("one.tar"), "bytes"));
  EXPECT_EQ(read_file(path("one.tar")), "bytes");
  EXPECT_EQ(there().size(), 1U);
}

TEST(BundleSamples, a_line_has_as_many_columns_as_the_first_and_quotes_what_needs_it) {
  const auto columns = std::ranges::count(sample_columns(), ',');
  Sample replied;
  replied.id = probe_id(7, 9);
  replied.outcome = Outcome::kReplied;
  replied.responder = 3;
  replied.seen_source = {*IpAddress::parse("10.0.0.1"), 5};
  const auto line = sample_line("node-1", replied, true);
  EXPECT_TRUE(line.starts_with("7/9,node-1,yes,0,replied,0,0,3,")) << line;
  EXPECT_EQ(std::ranges::count(line, ','), columns);
  Sample failed;
  failed.outcome = Outcome::kToolError;
  failed.error = "no \"port\", none";
  EXPECT_NE(sample_line("node-1", failed, false).find("\"no \"\"port\"\", none\""), std::string::npos);
  Sample refused;
  refused.outcome = Outcome::kRefused;
  refused.refusal = {RefusalKind::kIcmp, 3, 3, *IpAddress::parse("10.0.0.9")};
  EXPECT_NE(sample_line("node-1", refused, false).find("ICMP 3/3 from 10.0.0.9"), std::string::npos);
}

}  // namespace
}  // namespace conntruth::bundle
