// What the agent of a DaemonSet says when it was not given what it needs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace conntruth {
namespace {

using support::Finished;
using support::run_process;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kNeeded = {"net_raw", "net_admin", "sys_admin", "sys_ptrace"};

// As root with `capabilities` alone, as a container has them.
Finished run_with(const std::vector<std::string>& capabilities, std::vector<std::string> command) {
  std::string bounding = "--bounding-set=-all";
  for (const auto& name : capabilities) bounding += ",+" + name;
  command.insert(command.begin(), {"/usr/bin/setpriv", bounding, "--inh-caps=-all", "--no-new-privs"});
  return run_process(command);
}

std::vector<std::string> all_but(const std::string& name) {
  std::vector<std::string> rest;
  for (const auto& each : kNeeded) {
    if (each != name) rest.push_back(each);
  }
  return rest;
}

Finished agent_with(const std::vector<std::string>& capabilities) {
  // It ends in any case: there is no such folder.
  return run_with(capabilities, {CONNTRUTH_BIN_DIR "/conntruth-agent", "--cluster", "--node", "node-1", "--api-server",
                                 "https://127.0.0.1:1", "--service-account", "/nonexistent"});
}

class Capabilities : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root has capabilities to drop";
  }
};

TEST_F(Capabilities, with_all_of_them_it_goes_on_to_look_for_its_service_account) {
  const auto ended = agent_with(kNeeded);
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("/nonexistent/ca.crt"));
  EXPECT_THAT(ended.err, Not(HasSubstr("is missing")));
}

TEST_F(Capabilities, without_one_the_agent_names_it_and_where_it_is_granted) {
  for (const auto& [name, says] : std::vector<std::pair<std::string, std::string>>{
           {"net_raw", "CAP_NET_RAW is missing: crafted probes and answers go through raw sockets"},
           {"sys_admin", "CAP_SYS_ADMIN is missing: probes from pods enter their network namespaces"},
           {"sys_ptrace", "CAP_SYS_PTRACE is missing: the anchors' network namespaces"}}) {
    const auto ended = agent_with(all_but(name));
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, HasSubstr(says));
    EXPECT_THAT(ended.err, HasSubstr("securityContext.capabilities.add of DaemonSet conntruth-agent"));
  }
}

// Each is needed: what it is said to be for fails without it, and works with it.
TEST_F(Capabilities, what_each_is_for_does_not_work_without_it) {
  const auto python = [](const std::string& code) {
    return std::vector<std::string>{"/usr/bin/python3", "-c", "import os, socket, struct, ctypes\n" + code};
  };
  support::Process other({"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/unshare",
                          "--map-root-user", "--net", CONNTRUTH_BIN_DIR "/conntruth-anchor", "0"});
  const auto space = fmt::format("/proc/{}/ns/net", other.pid());
  const std::vector<std::pair<std::string, std::vector<std::string>>> deeds = {
      {"net_raw", python("socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)")},
      {"sys_admin", {"/usr/bin/nsenter", "--net=/proc/self/ns/net", "/bin/true"}},
      {"sys_ptrace", python(fmt::format("os.open('{}', os.O_RDONLY)", space))}};
  for (const auto& [name, deed] : deeds) {
    EXPECT_EQ(run_with(kNeeded, deed).status, 0) << name;
    EXPECT_NE(run_with(all_but(name), deed).status, 0) << name;
  }
}

// Kernels differ in this one, so the agent asks by trying.
TEST_F(Capabilities, net_admin_is_asked_for_where_the_kernel_does) {
  const auto attach =
      run_with(all_but("net_admin"),
               {"/usr/bin/python3", "-c",
                "import socket, struct, ctypes\n"
                "code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0xffffffff))\n"
                "plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)\n"
                "plain.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HL', 1, ctypes.addressof(code)))\n"});
  const auto ended = agent_with(all_but("net_admin"));
  EXPECT_EQ(ended.status, 1);
  if (attach.status == 0) {
    EXPECT_THAT(ended.err, Not(HasSubstr("CAP_NET_ADMIN")));
  } else {
    EXPECT_THAT(ended.err, HasSubstr("CAP_NET_ADMIN is missing: this kernel lets nobody else attach a filter"));
  }
}

}  // namespace
}  // namespace conntruth
