// A run's evidence as files, by the command line and read by other people's tools.

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "tests/lab/run/run_fixture.hpp"

namespace conntruth {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr auto kFault = "drop-udp-replies";

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class BundleTest : public RunTest {
 protected:
  static void SetUpTestSuite() {
    RunTest::SetUpTestSuite();
    ASSERT_EQ(conntruth({"lab", "fault", "plant", lab_name(), kFault}).status, 0);
    const auto finished = run({"--select", "clusterip", "--protocol", "udp", "--ip-family", "ipv4", "-o", "json"});
    ASSERT_EQ(finished.status, 2) << finished.err;
    report = Json::parse(finished.out);
    ASSERT_EQ(conntruth({"lab", "fault", "heal", lab_name(), kFault}).status, 0);
    healthy = run({"--select", "clusterip", "--protocol", "udp", "--ip-family", "ipv4", "-o", "json"});
    // From here on there is nothing but what is stored.
    ASSERT_TRUE(lab::Lab::down(lab_name()));
  }
  static void TearDownTestSuite() { fs::remove_all(state_directory()); }

  static std::string red_run() { return report.at("run").at("id"); }
  static std::string place(const std::string& name) { return state_directory() + "/" + name; }
  static std::set<std::string> red_cells() {
    std::set<std::string> ids;
    for (const auto& cell : report.at("cells")) {
      if (cell.at("verdict") == "fail") ids.insert(cell.at("id"));
    }
    return ids;
  }
  static std::string tcpdump(const fs::path& capture, const std::string& filter) {
    const auto finished = support::run_process({"tcpdump", "-nr", capture.string(), filter});
    EXPECT_EQ(finished.status, 0) << finished.err;
    return finished.out;
  }

  static Json report;
  static support::Finished healthy;
};

Json BundleTest::report;
support::Finished BundleTest::healthy;

TEST_F(BundleTest, has_what_is_known_of_every_red_cell_after_the_lab_is_gone) {
  const auto finished = conntruth({"bundle", red_run(), "-o", place("evidence")});
  ASSERT_EQ(finished.status, 0) << finished.err;
  const fs::path folder = place("evidence");
  const auto index = Json::parse(text_of(folder / "index.json"));
  std::set<std::string> bundled;
  for (const auto& cell : index.at("cells")) {
    bundled.insert(cell.at("id"));
    EXPECT_EQ(cell.at("cause"), "reply-dropped");
    const auto capture = folder / cell.at("folder").get<std::string>() / "packets.pcapng";
    // What a node sends itself is translated before it comes to a device.
    const bool from_pod = cell.at("id").get<std::string>().contains("-pod-");
    EXPECT_TRUE(std::regex_search(tcpdump(capture, "udp"),
                                  std::regex(from_pod ? "> 10\\.96\\.[0-9.]+: UDP" : "> 10\\.244\\.[0-9.]+: UDP")))
        << "no packet to " << (from_pod ? "the Service in " : "an endpoint in ") << capture;
    bool has_rule = false;
    for (const auto& path : cell.at("rulesets")) {
      has_rule |=
          text_of(folder / path.get<std::string>()).find("table inet planted_drop-udp-replies") != std::string::npos;
    }
    EXPECT_TRUE(has_rule) << "the planted rule is in none of its rulesets: " << cell.dump();
    const auto world = Json::parse(text_of(folder / cell.at("world").get<std::string>()));
    EXPECT_EQ(world.at("kind"), "List");
  }
  EXPECT_EQ(bundled, red_cells());
  for (const auto& file : index.at("files")) {
    EXPECT_EQ(fs::file_size(folder / file.at("path").get<std::string>()), file.at("bytes").get<std::size_t>());
  }
  const auto readme = text_of(folder / "README.txt");
  for (const auto& id : red_cells()) EXPECT_NE(readme.find(id), std::string::npos) << id;
}

TEST_F(BundleTest, cells_have_their_probes_their_entries_and_their_page) {
  ASSERT_EQ(conntruth({"bundle", red_run(), "-o", place("cells")}).status, 0);
  const auto index = Json::parse(text_of(fs::path(place("cells")) / "index.json"));
  for (const auto& entry : index.at("cells")) {
    const auto folder = fs::path(place("cells")) / entry.at("folder").get<std::string>();
    const auto cell = Json::parse(text_of(folder / "cell.json"));
    EXPECT_EQ(cell.at("id"), entry.at("id"));
    const auto samples = text_of(folder / "samples.csv");
    const auto lines = static_cast<std::size_t>(std::ranges::count(samples, '\n'));
    EXPECT_EQ(lines,
              1 + cell.at("samples").get<std::size_t>() + cell.at("evidence").at("witnesses").get<std::size_t>());
    const auto entries = Json::parse(text_of(folder / "conntrack.json"));
    EXPECT_TRUE(std::ranges::any_of(entries, [](const Json& each) {
      return each.at("original").at(1).get<std::string>().starts_with("10.96.") &&
             each.at("reply").at(0).get<std::string>().starts_with("10.244.");
    })) << entries.dump(1);
    const auto words = text_of(folder / "explain.txt");
    EXPECT_NE(words.find("entry      of connection tracking"), std::string::npos) << words;
    EXPECT_FALSE(cell.at("evidence").at("entries").empty());
  }
}

TEST_F(BundleTest, an_archive_has_the_same_files_as_a_folder) {
  ASSERT_EQ(conntruth({"bundle", red_run(), "-o", place("one")}).status, 0);
  const auto finished = conntruth({"bundle", red_run(), "-o", place("one.tar")});
  ASSERT_EQ(finished.status, 0) << finished.err;
  EXPECT_NE(finished.out.find("one.tar"), std::string::npos);
  fs::create_directory(place("unpacked"));
  ASSERT_EQ(support::run_process({"tar", "-xf", place("one.tar"), "-C", place("unpacked")}).status, 0);
  const auto compared = support::run_process({"diff", "-r", place("one"), place("unpacked") + "/one"});
  EXPECT_EQ(compared.status, 0) << compared.out;
}

TEST_F(BundleTest, cells_can_be_named_green_ones_too) {
  const auto finished = conntruth({"bundle", red_run(), "--cell", "clusterip/steady/node-1>*", "-o", place("green")});
  ASSERT_EQ(finished.status, 0) << finished.err;
  const auto index = Json::parse(text_of(fs::path(place("green")) / "index.json"));
  ASSERT_FALSE(index.at("cells").empty());
  for (const auto& cell : index.at("cells")) EXPECT_EQ(cell.at("verdict"), "pass");
  EXPECT_FALSE(index.at("missing").empty()) << "nobody asked why of them";
  const auto unknown = conntruth({"bundle", red_run(), "--cell", "nothing-of-the-kind", "-o", place("unknown")});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_NE(unknown.err.find("nothing-of-the-kind"), std::string::npos);
  EXPECT_FALSE(fs::exists(place("unknown")));
}

TEST_F(BundleTest, where_nothing_is_red_it_says_so_and_makes_nothing) {
  ASSERT_EQ(healthy.status, 0) << healthy.err;
  const auto id = Json::parse(healthy.out).at("run").at("id").get<std::string>();
  const auto finished = conntruth({"bundle", id, "-o", place("nothing")});
  EXPECT_EQ(finished.status, 0);
  EXPECT_NE(finished.out.find("no cell failed"), std::string::npos) << finished.out;
  EXPECT_FALSE(fs::exists(place("nothing")));
}

TEST_F(BundleTest, an_unknown_run_is_answered_with_those_that_there_are) {
  const auto finished = conntruth({"bundle", "20000101T000000.000Z", "-o", place("unknown-run")});
  EXPECT_EQ(finished.status, 1);
  EXPECT_NE(finished.err.find(red_run()), std::string::npos) << finished.err;
}

TEST_F(BundleTest, a_target_that_is_there_is_left_alone) {
  std::ofstream(place("mine.tar")) << "mine";
  const auto finished = conntruth({"bundle", red_run(), "-o", place("mine.tar")});
  EXPECT_EQ(finished.status, 1);
  EXPECT_NE(finished.err.find("there already"), std::string::npos) << finished.err;
  EXPECT_EQ(text_of(place("mine.tar")), "mine");
}

TEST_F(BundleTest, a_full_disk_leaves_nothing_and_names_a_remedy) {
  const auto small = place("small");
  fs::create_directories(small);
  const std::string script = "mount -t tmpfs -o size=16k none " + small +
                             " && CONNTRUTH_STATE_DIR=" + state_directory() + " " + CONNTRUTH_BIN_DIR +
                             "/conntruth bundle " + red_run() + " -o " + small + "/out.tar; code=$?; ls " + small +
                             "; exit $code";
  const auto finished = support::run_process({"unshare", "--mount", "sh", "-c", script});
  EXPECT_EQ(finished.status, 1) << finished.err;
  EXPECT_NE(finished.err.find("free space"), std::string::npos) << finished.err;
  EXPECT_EQ(finished.out, "");
}

}  // namespace
}  // namespace conntruth
