#include "lab/spec.hpp"

#include <gtest/gtest.h>

namespace conntruth::lab {
namespace {

std::string error_of(std::string_view text) {
  const auto spec = read_lab_spec(text, "lab.yaml");
  return spec ? "no error" : spec.error().message;
}

TEST(LabSpecReader, empty_document_gives_the_defaults) {
  const auto spec = read_lab_spec("", "lab.yaml");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->name, "default");
  EXPECT_EQ(spec->nodes, 3U);
  EXPECT_EQ(spec->pods_per_node, 2U);
  EXPECT_EQ(spec->zones, (std::vector<std::string>{"zone-a", "zone-b", "zone-c"}));
  EXPECT_TRUE(spec->ipv4 && spec->ipv6);
  EXPECT_EQ(spec->proxy, "reference");
}

TEST(LabSpecReader, every_key_is_read) {
  const auto spec = read_lab_spec(
      "name: big\nnodes: 50\npods_per_node: 20\nzones: [east]\nipv4: false\nipv6: true\nproxy: none\n", "lab.yaml");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->name, "big");
  EXPECT_EQ(spec->nodes, 50U);
  EXPECT_EQ(spec->pods_per_node, 20U);
  EXPECT_EQ(spec->zones, std::vector<std::string>{"east"});
  EXPECT_FALSE(spec->ipv4);
  EXPECT_TRUE(spec->ipv6);
  EXPECT_EQ(spec->proxy, "none");
}

TEST(LabSpecReader, what_is_written_is_read_back) {
  LabSpec spec;
  spec.name = "x-1";
  spec.zones = {};
  spec.ipv6 = false;
  const auto read = read_lab_spec(write_lab_spec(spec), "spec.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "x-1");
  EXPECT_TRUE(read->zones.empty());
  EXPECT_FALSE(read->ipv6);
}

TEST(LabSpecReader, errors_name_file_line_field_and_what_is_allowed) {
  EXPECT_EQ(error_of("name: a\nsize: 3\n"),
            "lab.yaml:2: unknown key \"size\"; known are name, nodes, pods_per_node, zones, ipv4, ipv6, proxy, "
            "node_proxies, proxy_command, proxy_version, kubernetes, kube_bin, kubelet");
  EXPECT_EQ(error_of("name: a\nnodes: 0\n"), "lab.yaml:2: nodes: 0 is out of range 1..50");
  EXPECT_EQ(error_of("nodes: 51\n"), "lab.yaml:1: nodes: 51 is out of range 1..50");
  EXPECT_EQ(error_of("nodes: many\n"), "lab.yaml:1: nodes: expected a number");
  EXPECT_EQ(error_of("nodes: -1\n"), "lab.yaml:1: nodes: expected a number");
  EXPECT_EQ(error_of("pods_per_node: 21\n"), "lab.yaml:1: pods_per_node: 21 is out of range 1..20");
  EXPECT_EQ(error_of("ipv4: perhaps\n"), "lab.yaml:1: ipv4: expected true or false");
  EXPECT_EQ(error_of("proxy: cilium\n"),
            "lab.yaml:1: proxy: \"cilium\" is not one of reference, none, "
            "kube-proxy:nftables, kube-proxy:iptables, command");
  EXPECT_EQ(error_of("zones: a\n"), "lab.yaml:1: zones: expected a list of names, [] for none");
  EXPECT_EQ(error_of("nodes: 1\nnodes: 2\n"), "lab.yaml:2: nodes is given twice");
  EXPECT_EQ(error_of("- nodes\n"),
            "lab.yaml:1: expected a mapping with the keys name, nodes, pods_per_node, zones, ipv4, ipv6, proxy, "
            "node_proxies, proxy_command, proxy_version, kubernetes, kube_bin, kubelet");
  EXPECT_EQ(error_of("ipv4: false\nipv6: false\n"),
            "lab.yaml: ipv4 and ipv6 are both off; a lab needs at least one family");
  EXPECT_TRUE(error_of("name: [\n").starts_with("lab.yaml:")) << error_of("name: [\n");
}

TEST(LabName, is_1_to_20_of_lower_case_digits_and_dashes) {
  for (const auto* name : {"a", "default", "lab-1", "01234567890123456789"}) EXPECT_TRUE(check_lab_name(name)) << name;
  for (const auto* name : {"", "A", "a_b", "a b", "../etc", "a/b", "ä", "012345678901234567890"}) {
    const auto checked = check_lab_name(name);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidInput);
  }
}

}  // namespace
}  // namespace conntruth::lab
