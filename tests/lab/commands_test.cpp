// The `conntruth lab ...` commands as a user sees them: text, JSON, exit codes.
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/file.hpp"
#include "lab/files.hpp"
#include "tests/lab/lab_fixture.hpp"

namespace conntruth::lab::test {
namespace {

constexpr const char* kProgram = CONNTRUTH_BIN_DIR "/conntruth-lab-commands";

struct Printed {
  int exit_code = -1;
  std::string out;
  std::string err;
};

Printed shell(const std::string& script) {
  const auto base = fmt::format("{}/conntruth-{}-commands", testing::TempDir(), ::getpid());
  const auto status = std::system(fmt::format("({}) > {}.out 2> {}.err", script, base, base).c_str());
  Printed printed{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(base + ".out").value_or(""),
                  read_file(base + ".err").value_or("")};
  for (const auto* suffix : {".out", ".err"}) std::filesystem::remove(base + suffix);
  return printed;
}

Printed conntruth(const std::string& arguments) { return shell(std::string(kProgram) + " " + arguments); }

class LabCommands : public LabTest {};

TEST_F(LabCommands, up_status_list_exec_and_down) {
  const auto name = spec("c").name;
  const auto up = conntruth("lab up --name " + name + " --nodes 2 --pods 1 --zones east,west --proxy reference");
  ASSERT_EQ(up.exit_code, 0) << up.err;
  EXPECT_TRUE(up.out.starts_with("lab " + name + ": 2 nodes, 2 pods, proxy reference, up in ")) << up.out;

  const auto status = nlohmann::json::parse(conntruth("lab status " + name + " -o json").out);
  EXPECT_EQ(status["name"], name);
  const auto& node = status["nodes"][1];
  EXPECT_EQ(node["name"], "node-2");
  EXPECT_EQ(node["zone"], "west");
  EXPECT_EQ(node["addresses"], (nlohmann::json{"172.31.0.12", "fd31::c"}));
  EXPECT_EQ(node["device"], "eth0");
  EXPECT_GT(node["init"].get<int>(), 1);
  EXPECT_GT(node["proxy"]["pid"].get<int>(), 1);
  EXPECT_EQ(node["proxy"]["generation"], 0);
  EXPECT_EQ(node["proxy"]["error"], "");
  EXPECT_EQ(node["pods"][0], (nlohmann::json{{"name", "node-2-pod-0"},
                                             {"addresses", {"10.244.2.10", "fd44:0:0:2::a"}},
                                             {"device", "pod-0"},
                                             {"netns", "/run/conntruth/pods/node-2-pod-0"}}));
  EXPECT_EQ(status["external"]["via"][1]["sources"][0], "192.0.2.12");
  EXPECT_EQ(status["ranges"]["clusterIPs"][0], "10.96.0.0/16");
  EXPECT_EQ(status["ranges"]["nodePorts"]["last"], 32767);

  EXPECT_NE(conntruth("lab status " + name).out.find("node-2-pod-0  node-2  pod-0"), std::string::npos);
  EXPECT_TRUE(conntruth("lab status " + name + " -o yaml").out.starts_with("name: \"" + name + "\"\n"));
  EXPECT_NE(conntruth("lab list").out.find(name), std::string::npos);
  EXPECT_EQ(conntruth("lab exec " + name + " node-2 -- hostname").out, "node-2\n");
  EXPECT_EQ(conntruth("lab exec --lab " + name + " node-2 -- sh -c 'exit 9'").exit_code, 9);
  EXPECT_EQ(conntruth("lab exec " + name + " node-2 -- echo -- -h --lab x").out, "-- -h --lab x\n");
  EXPECT_NE(conntruth("lab exec " + name + " node-2 --pod node-2-pod-0 -- ip -o addr").out.find("10.244.2.10/32"),
            std::string::npos);
  EXPECT_EQ(shell("echo hostname | " + std::string(kProgram) + " lab shell " + name + " node-1").out, "node-1\n");
  const auto image = conntruth("lab image " + name + " x.tar");
  EXPECT_EQ(image.exit_code, 1);
  EXPECT_NE(image.err.find("runs no pods"), std::string::npos) << image.err;
  EXPECT_EQ(conntruth("lab down " + name).out, "lab " + name + ": removed\n");
  EXPECT_EQ(conntruth("lab status " + name).exit_code, 1);
}

TEST_F(LabCommands, a_world_is_given_to_every_proxy) {
  const auto name = spec("c").name;
  ASSERT_EQ(conntruth("lab up " + name + " --nodes 2 --pods 1").exit_code, 0);
  const auto file = fmt::format("{}/conntruth-{}-world.yaml", testing::TempDir(), ::getpid());
  std::ofstream(file) << "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: default}\n"
                         "spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], ports: [{port: 80}]}\n";
  EXPECT_EQ(conntruth("lab world " + name + " " + file).out,
            "lab " + name + ": generation 1 with 1 Services and 0 EndpointSlices is in the kernel of every node\n");
  EXPECT_NE(conntruth("lab exec " + name + " node-2 -- nft list ruleset").out.find("10.96.0.10"), std::string::npos);
  EXPECT_TRUE(conntruth("lab world --lab " + name + " " + file).out.starts_with("lab " + name + ": generation 2 "));
  std::filesystem::remove(file);
}

TEST_F(LabCommands, faults_are_listed_planted_and_healed) {
  const auto name = spec("c").name;
  ASSERT_EQ(conntruth("lab up " + name + " --nodes 2 --pods 1 --proxy none").exit_code, 0);
  const auto planted = conntruth("lab fault plant " + name + " drop-udp-replies --node node-1");
  EXPECT_EQ(planted.out, "lab " + name + ": drop-udp-replies planted on node-1\n") << planted.err;
  const auto listed = nlohmann::json::parse(conntruth("lab fault list " + name + " -o json").out);
  for (const auto& fault : listed) {
    if (fault["id"] != "drop-udp-replies") continue;
    EXPECT_EQ(fault["plantedOn"], nlohmann::json::array({"node-1"}));
  }
  EXPECT_EQ(conntruth("lab fault heal --lab " + name + " drop-udp-replies --node node-1").exit_code, 0);
  const auto unknown = conntruth("lab fault plant " + name + " no-such-fault");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.err,
            "conntruth lab: no fault named no-such-fault; `conntruth lab fault list` shows what there is\n");
}

TEST_F(LabCommands, errors_are_one_line_with_a_remedy_and_exit_code_1) {
  const auto expect = [](const std::string& arguments, const std::string& message) {
    const auto printed = conntruth(arguments);
    EXPECT_EQ(printed.exit_code, 1) << arguments;
    EXPECT_EQ(printed.err, "conntruth lab: " + message + "\n") << arguments;
    EXPECT_EQ(printed.out, "") << arguments;
  };
  expect("lab up Bad_Name", "lab name \"Bad_Name\": use 1 to 20 of a-z, 0-9 and -");
  expect("lab up --nodes 51", "nodes: 51 is out of range 1..50");
  expect("lab up -f /no/such/file", "open /no/such/file: No such file or directory");
  expect("lab down ../x", "lab name \"../x\": use 1 to 20 of a-z, 0-9 and -");
  expect("lab exec", "usage: conntruth lab exec [LAB] NODE [--pod POD] -- COMMAND...");
  expect("lab shell", "usage: conntruth lab shell [LAB] NODE [--pod POD]");
  expect("lab status no-such-lab",
         "no lab named no-such-lab; `conntruth lab list` shows what there is, "
         "`conntruth lab up --name no-such-lab` makes it");
  const auto file = fmt::format("{}/conntruth-{}-bad.yaml", testing::TempDir(), ::getpid());
  std::ofstream(file) << "name: a\nnodes: 3\nsize: 1\n";
  expect("lab up -f " + file,
         file +
             ":3: unknown key \"size\"; known are name, nodes, pods_per_node, zones, ipv4, ipv6, proxy, "
             "node_proxies, proxy_command, proxy_version, kubernetes, kube_bin, kubelet");
  std::filesystem::remove(file);
}

TEST_F(LabCommands, without_root_the_message_says_so) {
  const auto printed = shell(std::string("setpriv --reuid 65534 --clear-groups ") + kProgram + " lab up --name x-y");
  EXPECT_EQ(printed.exit_code, 1);
  EXPECT_EQ(printed.err, "conntruth lab: a lab needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN); try again with sudo\n");
}

TEST_F(LabCommands, every_command_has_help_with_an_example) {
  for (const auto* command : {"", "up", "down", "list", "status", "exec", "shell", "world", "fault", "fault list",
                              "fault plant", "fault heal"}) {
    const auto help = conntruth(fmt::format("lab {} --help", command));
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_NE(help.out.find("Example"), std::string::npos) << command;
  }
}

// In namespaces of its own for PIDs and mounts, where only its own labs can be seen.
TEST_F(LabCommands, down_all_removes_whole_labs_and_remains) {
  const auto script = fmt::format(
      "unshare --pid --fork --mount-proc --mount sh -euc '"
      "mount -t tmpfs tmpfs /run; "
      "{0} lab up --name one --nodes 1 --proxy none; {0} lab up --name two --nodes 1 --proxy none; "
      "mkdir /run/conntruth/labs/three; "
      "{0} lab list -o json; {0} lab down --all; {0} lab list; ls -A /run; ps -e -o comm= | grep conntruth || true'",
      kProgram);
  const auto printed = shell(script);
  EXPECT_EQ(printed.exit_code, 0) << printed.err;
  EXPECT_NE(printed.out.find("\"state\": \"incomplete\""), std::string::npos) << printed.out;
  EXPECT_TRUE(printed.out.ends_with("lab one: removed\nlab three: removed\nlab two: removed\nno labs\n"))
      << printed.out;
}

}  // namespace
}  // namespace conntruth::lab::test
