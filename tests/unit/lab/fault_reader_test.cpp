#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "lab/faults/faults.hpp"

namespace conntruth::lab {
namespace {

constexpr std::string_view kWhole =
    "id: lost\n"
    "title: Everything is lost\n"
    "needs: {proxy: true, ipv6: true, nodes: 2, pods: 3}\n"
    "default_node: node-3\n"
    "plant: |\n  a\n  b\n"
    "heal: c\n"
    "expect: {outcome: timed-out}\n";

std::string error_of(std::string_view text) {
  const auto fault = read_fault(text, "f.yaml");
  return fault ? "no error" : fault.error().message;
}

TEST(FaultReader, every_key_is_read) {
  const auto fault = read_fault(kWhole, "f.yaml");
  ASSERT_TRUE(fault) << fault.error().message;
  EXPECT_EQ(fault->id, "lost");
  EXPECT_EQ(fault->title, "Everything is lost");
  EXPECT_EQ(fault->needs, (FaultNeeds{.proxy = true, .ipv4 = false, .ipv6 = true, .nodes = 2, .pods = 3}));
  EXPECT_EQ(fault->default_node, "node-3");
  EXPECT_EQ(fault->plant, "a\nb\n");
  EXPECT_EQ(fault->heal, "c");
  EXPECT_EQ(fault->expect, "{outcome: timed-out}");
}

TEST(FaultReader, errors_name_file_line_and_key) {
  EXPECT_EQ(error_of("id: x\nplan: y\n"),
            "f.yaml:2: unknown key \"plan\"; known are id, title, needs, default_node, plant, heal, expect");
  EXPECT_EQ(error_of("id: x\nid: y\n"), "f.yaml:2: id is given twice");
  EXPECT_EQ(error_of("id: X y\n"), "f.yaml:1: id: \"X y\": use a-z, 0-9 and -");
  EXPECT_EQ(error_of("id: x\nneeds: {root: true}\n"),
            "f.yaml:2: unknown key \"root\"; known are proxy, ipv4, ipv6, nodes, pods");
  EXPECT_EQ(error_of("id: x\nneeds: {nodes: some}\n"), "f.yaml:2: nodes: expected a number");
  EXPECT_EQ(error_of("id: x\ntitle: y\nplant: z\n"), "f.yaml:1: heal is missing");
  EXPECT_EQ(error_of("id: x\nplant: [z]\n"), "f.yaml:2: plant: expected a shell script");
  EXPECT_TRUE(error_of("id: [\n").starts_with("f.yaml:")) << error_of("id: [\n");
}

TEST(FaultReader, the_files_name_is_the_id) {
  const auto directory = std::filesystem::path(testing::TempDir()) / "conntruth-fault-reader";
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "other.yaml") << kWhole;
  const auto faults = load_faults(directory.string());
  std::filesystem::remove_all(directory);
  ASSERT_FALSE(faults);
  EXPECT_EQ(faults.error().message, directory.string() + "/other.yaml:1: id \"lost\" is not the file's name");
}

TEST(FaultData, every_fault_of_the_source_tree_is_valid_and_keeps_to_its_own_table) {
  const auto faults = load_faults(CONNTRUTH_SOURCE_DIR "/lab/faults/data");
  ASSERT_TRUE(faults) << faults.error().message;
  EXPECT_GE(faults->size(), 3U);
  for (const auto& fault : *faults) {
    if (fault.plant.find("nft") == std::string::npos) continue;
    if (fault.plant.find("ip conntruth") != std::string::npos) continue;  // breaks the proxy's own table
    EXPECT_NE(fault.plant.find("planted_" + fault.id), std::string::npos) << fault.id;
    EXPECT_NE(fault.heal.find("planted_" + fault.id), std::string::npos) << fault.id;
  }
}

}  // namespace
}  // namespace conntruth::lab
