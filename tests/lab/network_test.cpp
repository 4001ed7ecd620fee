// Who reaches whom in a lab, before any Service proxy.
#include <fmt/format.h>

#include "tests/lab/lab_fixture.hpp"

namespace conntruth::lab::test {
namespace {

class LabNetwork : public LabTest {};

TEST_F(LabNetwork, pods_nodes_and_the_external_client_reach_each_other_in_both_families) {
  const auto lab = build(spec("a"));
  const auto& nodes = lab.topology().nodes;
  const auto& far_pod = nodes[1].pods[0];
  for (const std::size_t family : {0U, 1U}) {
    EXPECT_TRUE(answers(lab, "node-1", "node-1-pod-0", far_pod.addresses[family])) << "pod to pod " << family;
    EXPECT_TRUE(answers(lab, "node-1", "node-1-pod-0", nodes[0].addresses[family])) << "pod to own node " << family;
    EXPECT_TRUE(answers(lab, "node-1", "node-1-pod-0", nodes[1].addresses[family])) << "pod to other node " << family;
    EXPECT_TRUE(answers(lab, "node-1", "", far_pod.addresses[family])) << "node to pod " << family;
    EXPECT_TRUE(answers(lab, "external", "", nodes[1].addresses[family])) << "external to node " << family;
    EXPECT_TRUE(answers(lab, "external", "", far_pod.addresses[family])) << "external to pod " << family;
  }
}

TEST_F(LabNetwork, a_lab_of_one_family_has_that_one_only) {
  auto wanted = spec("a");
  wanted.ipv4 = false;
  const auto lab = build(wanted);
  EXPECT_TRUE(answers(lab, "node-1", "node-1-pod-0", lab.topology().nodes[1].pods[0].addresses[0]));
  EXPECT_EQ(run(lab, "node-1", "ip -4 -o addr show dev eth0").text, "");
}

// The Service's address is put on one node at a time, so that only one of them can answer.
TEST_F(LabNetwork, external_traffic_to_service_addresses_enters_at_the_node_that_its_source_names) {
  const auto lab = build(spec("a"));
  const auto& client = lab.topology().external_clients[0];
  const auto& ranges = lab.topology().ranges;
  for (const auto& prefixes : {ranges.cluster_ips, ranges.external_ips, ranges.load_balancers}) {
    for (const std::size_t family : {0U, 1U}) {
      const auto address = prefixes[family].at(10);
      const auto length = family == 0 ? 32 : 128;
      for (const auto& via : client.via) {
        const auto route =
            fmt::format("ip route replace {}/{} via {} dev eth0 src {} onlink", address.to_string(), length,
                        family == 0 ? "192.0.2.1" : "2001:db8:c::1", via.sources[family].to_string());
        ASSERT_EQ(run(lab, "external", route).status, 0);
        const auto holder = fmt::format("ip addr {{}} {}/{} dev lo", address.to_string(), length);
        ASSERT_EQ(run(lab, via.node, fmt::format(fmt::runtime(holder), "add")).status, 0);
        EXPECT_TRUE(answers(lab, "external", "", address)) << address.to_string() << " at " << via.node;
        ASSERT_EQ(run(lab, via.node, fmt::format(fmt::runtime(holder), "del")).status, 0);
      }
    }
  }
}

TEST_F(LabNetwork, neighbours_are_static_and_no_address_is_tentative) {
  const auto lab = build(spec("a"));
  for (const auto* node : {"node-1", "external", "fabric"}) {
    EXPECT_EQ(run(lab, node, "ip -6 -o addr show tentative").text, "") << node;
    EXPECT_EQ(run(lab, node, "ip neigh show nud all | grep -v -e PERMANENT -e NOARP").text, "") << node;
  }
}

TEST_F(LabNetwork, icmp_errors_are_not_limited_and_nodes_forward) {
  const auto lab = build(spec("a"));
  const auto* script =
      "cd /proc/sys/net; cat ipv4/icmp_ratemask ipv4/icmp_ratelimit ipv6/icmp/ratelimit ipv4/ip_forward";
  EXPECT_EQ(run(lab, "node-1", script).text, "0\n0\n0\n1\n");
  EXPECT_EQ(run(lab, "node-1", script, "node-1-pod-0").text, "0\n0\n0\n0\n");
}

// A SYN-ACK for nobody is sent to a pod, first at a crafted probe's port, then at another one.
TEST_F(LabNetwork, a_pod_resets_a_connection_it_does_not_know_but_not_a_crafted_probes) {
  const auto lab = build(spec("a"));
  const auto& node = lab.topology().nodes[0];
  const auto script = fmt::format(R"(
import socket, struct
node, pod = "{}", "{}"
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
raw.settimeout(30)
def add(data):
  total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
  total = (total >> 16) + (total & 0xffff)
  return ~(total + (total >> 16)) & 0xffff
for port in (20000, 9000):
  pseudo = socket.inet_aton(node) + socket.inet_aton(pod) + struct.pack("!BBH", 0, 6, 20)
  plain = struct.pack("!HHIIBBHHH", 7, port, 1, 1, 0x50, 0x12, 1000, 0, 0)
  segment = plain[:16] + struct.pack("!H", add(pseudo + plain)) + plain[18:]
  raw.sendto(segment, (pod, 0))
while True:
  answer = raw.recv(2000)[20:]
  source, flags = struct.unpack("!H", answer[:2])[0], answer[13]
  if flags & 4: print("reset from", source)
  if source == 9000: break
)",
                                  node.addresses[0].to_string(), node.pods[0].addresses[0].to_string());
  EXPECT_EQ(run(lab, "node-1", "/usr/bin/python3 -c '" + script + "'").text, "reset from 9000\n");
}

// The seconds for which conntrack will remember a flow that it has just seen.
TEST_F(LabNetwork, a_node_remembers_fixed_udp_flows_for_longer_than_others) {
  const auto lab = build(spec("a"));
  const auto script = fmt::format(R"(
import socket
for port in (8500, 9500):
  udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  udp.bind(("", port))
  udp.sendto(b"hello", ("{}", 9))
lines = open("/proc/net/nf_conntrack").read().splitlines()
for port in (8500, 9500):
  seconds = [int(line.split()[4]) for line in lines if " sport=%d dport=9 " % port in line]
  print(port, ["longer" if each > 4 else "shorter" for each in seconds])
)",
                                  lab.topology().nodes[1].addresses[0].to_string());
  const auto output = run(lab, "node-1", "/usr/bin/python3 -c '" + script + "'");
  if (output.text.find("No such file") != std::string::npos)
    GTEST_SKIP() << "this kernel does not list conntrack in /proc";
  EXPECT_EQ(output.text, "8500 ['longer']\n9500 ['shorter']\n");
}

TEST_F(LabNetwork, a_node_is_a_host_of_its_own) {
  const auto lab = build(spec("a"));
  EXPECT_EQ(run(lab, "node-2", "hostname").text, "node-2\n");
  EXPECT_EQ(run(lab, "node-2", "tr '\\0' ' ' < /proc/1/cmdline | sed 's/.*conntruth/conntruth/'").text,
            "conntruth-lab-init " + lab.spec().name + " node-2 ");
  EXPECT_EQ(run(lab, "node-2", "ls /sys/class/net").text, "eth0\nlo\npod-0\nsink\n");
  EXPECT_EQ(run(lab, "node-2", "ls /run/conntruth/pods").text, "node-2-pod-0\n");
  EXPECT_EQ(run(lab, "node-2", "test -f " + lab.directory() + "/spec.json").status, 0);
}

TEST_F(LabNetwork, a_commands_exit_status_is_the_shells) {
  const auto lab = build(spec("a"));
  EXPECT_EQ(run(lab, "node-1", "exit 7").status, 7);
  EXPECT_EQ(run(lab, "node-1", "kill -KILL $$").status, 128 + 9);
  const auto missing = lab.run("node-1", {{"/no/such/program"}, "", "", false});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "node-1: execute /no/such/program: No such file or directory");
  EXPECT_EQ(lab.run("node-9", {{"true"}, "", "", false}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(lab.run("node-1", {{"true"}, "node-2-pod-0", "", false}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace conntruth::lab::test
