#include "tests/lab/lab_fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "common/file.hpp"
#include "lab/files.hpp"
#include "lab/topology/process_table.hpp"

namespace conntruth::lab::test {

std::string lab_name(const std::string& suffix) { return fmt::format("t{}-{}", ::getpid(), suffix); }

Output run(const Lab& lab, const std::string& node, const std::string& script, const std::string& pod) {
  const auto path = fmt::format("{}/conntruth-{}-output", testing::TempDir(), ::getpid());
  std::filesystem::remove(path);
  const auto status = lab.run(node, {{"sh", "-c", script}, pod, path, true});
  EXPECT_TRUE(status) << (status ? "" : status.error().message);
  Output output{status.value_or(-1), read_file(path).value_or("")};
  std::filesystem::remove(path);
  return output;
}

bool answers(const Lab& lab, const std::string& node, const std::string& pod, const IpAddress& address) {
  const auto connect = fmt::format("timeout 10 bash -c 'echo > /dev/tcp/{}/9'", address.to_string());
  return run(lab, node, connect, pod).text.find("refused") != std::string::npos;
}

std::string host_state() {
  const auto path = fmt::format("{}/conntruth-{}-host", testing::TempDir(), ::getpid());
  const auto command = fmt::format(
      "(ip -o link; ip -o addr; ip route show table all; ip rule; ip netns list; cut -d' ' -f3- /proc/self/mountinfo; "
      "sysctl -a -r 'net.ipv[46].*(forward|rp_filter|icmp_rate)' 2>/dev/null) > {} 2>&1",
      path);
  EXPECT_EQ(std::system(command.c_str()), 0);
  auto text = read_file(path).value_or("");
  std::filesystem::remove(path);
  return text;
}

std::vector<std::string> inits_of(const std::string& lab) {
  std::vector<std::string> nodes;
  for (const auto& init : inits_among(read_processes())) {
    if (init.lab == lab) nodes.push_back(init.node);
  }
  std::ranges::sort(nodes);
  return nodes;
}

void LabTest::TearDown() {
  for (const auto& name : names_) {
    [[maybe_unused]] const auto removed = Lab::down(name);
    EXPECT_TRUE(inits_of(name).empty()) << name;
    EXPECT_FALSE(has_lab_directory(name)) << name;
  }
}

LabSpec LabTest::spec(const std::string& suffix) {
  LabSpec spec;
  spec.name = lab_name(suffix);
  spec.nodes = 2;
  spec.pods_per_node = 1;
  spec.proxy = "none";
  names_.push_back(spec.name);
  return spec;
}

Lab LabTest::build(LabSpec spec) {
  auto lab = Lab::up(spec);
  if (!lab) throw std::runtime_error(lab.error().message);  // GoogleTest reports it
  return std::move(*lab);
}

}  // namespace conntruth::lab::test
