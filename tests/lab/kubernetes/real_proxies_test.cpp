// Labs whose Services come from a real kube-apiserver: what runs, what answers, and what is said where a program fails.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "lab/files.hpp"
#include "lab/kubernetes/programs.hpp"
#include "lab/kubernetes/proxy_choice.hpp"
#include "lab/topology/fd.hpp"
#include "tests/lab/lab_fixture.hpp"

namespace conntruth::lab::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view kOlder = "1.34";

// Port 80 of ClusterIPs of both families, of which only the endpoint on node-2 may answer.
constexpr std::string_view kService = R"(
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.7.7, clusterIPs: [10.96.7.7, "fd00:96::77"], ipFamilyPolicy: RequireDualStack, ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-4, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.244.2.10], nodeName: node-2}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-6, labels: {kubernetes.io/service-name: web}}
addressType: IPv6
ports: [{port: 8080}]
endpoints: [{addresses: ["fd44:0:0:2::a"], nodeName: node-2}]
)";

class RealProxies : public LabTest {
 protected:
  void SetUp() override {
    LabTest::SetUp();
    const auto programs = Programs::look("");
    ASSERT_TRUE(programs);
    for (const auto& found : {programs->find("kube-apiserver", "", ""), programs->find("kubectl", "", ""),
                              programs->find("kube-proxy", "", ""), programs->find("kube-proxy", kOlder, "")}) {
      if (!found) GTEST_SKIP() << found.error().message;
    }
    if (const auto etcd = programs->etcd(); !etcd) GTEST_SKIP() << etcd.error().message;
    kube_proxy_ = programs->find("kube-proxy", "", "")->path;
    kubectl_ = programs->find("kubectl", "", "")->path;
  }
  // The message of a lab that must not come up; nothing of it may stay.
  static std::string failure(const LabSpec& wanted) {
    const auto lab = Lab::up(wanted);
    EXPECT_FALSE(lab);
    EXPECT_TRUE(inits_of(wanted.name).empty());
    EXPECT_FALSE(has_lab_directory(wanted.name));
    return lab ? "no failure" : lab.error().message;
  }
  [[nodiscard]] Output kubectl(const Lab& lab, const std::string& words) const {
    return run(lab, "fabric", fmt::format("KUBECONFIG={} {} {}", lab.kubernetes()->kubeconfig, kubectl_, words));
  }
  LabSpec with_api(const std::string& suffix) {
    auto wanted = spec(suffix);
    wanted.kubernetes = KubernetesSpec{};
    return wanted;
  }
  std::string kube_proxy_;
  std::string kubectl_;
};

void kill_and_await(pid_t pid) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ASSERT_TRUE(process);
  ::kill(pid, SIGKILL);
  pollfd ended{process.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, 20000), 1);
}

// Tries until a connection is accepted: rules follow the API in their own time.
bool connects(const Lab& lab, const std::string& node, const std::string& pod, const std::string& address) {
  const auto attempt = fmt::format(
      "timeout 20 bash -c 'until timeout 1 bash -c \"echo > /dev/tcp/{}/80\"; do :; done' "
      "2>/dev/null",
      address);
  return run(lab, node, attempt, pod).status == 0;
}

TEST_F(RealProxies, of_both_modes_and_two_versions_lead_to_the_same_endpoint) {
  const auto before = host_state();
  auto wanted = with_api("both");
  wanted.nodes = 3;
  wanted.proxy = "kube-proxy:nftables";
  wanted.node_proxies = {{"node-1", "kube-proxy:iptables"}, {"node-3", fmt::format("kube-proxy:nftables@{}", kOlder)}};
  const auto lab = build(wanted);
  EXPECT_EQ(host_state(), before) << "while the lab is up";
  const auto service = lab.directory() + "/service.yaml";
  ASSERT_TRUE(write_whole_file(service, std::string(kService)));
  const auto applied = kubectl(lab, "create -f " + service);
  ASSERT_EQ(applied.status, 0) << applied.text;
  const auto listener = lab.start(
      "node-2", {{"python3", "-m", "http.server", "--bind", "::", "8080"}, "node-2-pod-0", "/dev/null", true});
  ASSERT_TRUE(listener) << listener.error().message;
  for (const auto* node : {"node-1", "node-2", "node-3"}) {
    for (const auto* address : {"10.96.7.7", "fd00:96::77"}) {
      EXPECT_TRUE(connects(lab, node, "", address)) << node << " " << address;
      EXPECT_TRUE(connects(lab, node, fmt::format("{}-pod-0", node), address)) << node << "'s pod " << address;
    }
  }
  EXPECT_THAT(run(lab, "node-1", "iptables-save -t nat").text, HasSubstr("-d 10.96.7.7/32"));
  EXPECT_THAT(run(lab, "node-2", "nft list table ip kube-proxy").text, HasSubstr("10.96.7.7"));
  EXPECT_THAT(proxy_of(lab.spec(), "node-3"), HasSubstr("kube-proxy:nftables@v1.34."));
  EXPECT_THAT(kubectl(lab, "get nodes").text, HasSubstr("node-3   Ready"));
}

TEST_F(RealProxies, that_end_later_are_seen_with_their_exit_status) {
  auto wanted = with_api("later");
  wanted.proxy = "kube-proxy:nftables";
  const auto lab = build(wanted);
  const auto running = lab.processes()->at(0);
  ASSERT_NE(running.proxy, 0);
  const auto exit_file = lab.directory() + "/run/node-1-proxy.exit";
  kill_and_await(running.proxy);
  // The shell that keeps the status writes it a moment after its child's end.
  ASSERT_EQ(run(lab, "node-1", fmt::format("timeout 20 sh -c 'until test -e {}; do :; done'", exit_file)).status, 0);
  const auto opened = Lab::open(wanted.name);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->processes()->at(0).proxy, 0);
  EXPECT_EQ(opened->processes()->at(0).proxy_exit, 128 + SIGKILL);
  EXPECT_NE(opened->processes()->at(1).proxy, 0);
  EXPECT_FALSE(opened->processes()->at(1).proxy_exit);
}

TEST_F(RealProxies, given_as_a_command_find_their_node_by_the_placeholders) {
  auto wanted = with_api("command");
  wanted.proxy = "command";
  wanted.node_proxies["node-2"] = "none";
  wanted.proxy_command = kube_proxy_ +
                         " --kubeconfig={kubeconfig} --hostname-override={node} --bind-address={address} "
                         "--proxy-mode=nftables --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 "
                         "--conntrack-tcp-timeout-close-wait=0";
  const auto lab = build(wanted);
  EXPECT_THAT(run(lab, "node-1", "nft list tables").text, HasSubstr("table ip kube-proxy"));
  EXPECT_EQ(run(lab, "node-2", "nft list tables").text, "table inet conntruth-lab\n") << "the lab's own alone";
}

TEST_F(RealProxies, whose_command_ends_are_named_with_status_and_last_words) {
  auto wanted = with_api("ends");
  wanted.proxy = "none";
  wanted.node_proxies["node-2"] = "command";
  wanted.proxy_command = "echo no rules today >&2; exit 7";
  EXPECT_EQ(failure(wanted), "node-2: the proxy command ended with exit status 7; the end of its log: no rules today");
}

TEST_F(RealProxies, whose_command_programs_nothing_are_named_with_what_does_not_answer) {
  auto wanted = with_api("idle");
  wanted.proxy = "none";
  wanted.node_proxies["node-2"] = "command";
  wanted.proxy_command = "echo waiting for nothing >&2; exec sleep 1000";
  wanted.kubernetes->patience = std::chrono::seconds(8);
  EXPECT_THAT(failure(wanted), AllOf(HasSubstr("node-2: the proxy command did not become ready in time: "),
                                     HasSubstr("the API's own Service, default/kubernetes"),
                                     HasSubstr("the end of its log: waiting for nothing")));
}

TEST_F(RealProxies, without_an_api_server_that_starts_are_not_waited_for) {
  const auto folder = fmt::format("{}/conntruth-{}-kube", testing::TempDir(), ::getpid());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/kube-apiserver") << "#!/bin/sh\necho broken; exit 3\n";
  std::filesystem::permissions(folder + "/kube-apiserver", std::filesystem::perms::owner_all);
  auto wanted = with_api("broken");
  wanted.kubernetes->programs = folder;
  EXPECT_EQ(failure(wanted), "fabric: kube-apiserver ended with exit status 3; the end of its log: broken");
  std::filesystem::remove_all(folder);
}

TEST_F(RealProxies, of_a_version_that_was_not_built_are_refused_before_anything_is_made) {
  auto wanted = with_api("version");
  wanted.proxy = "kube-proxy:nftables@9.9";
  EXPECT_THAT(failure(wanted), HasSubstr("no kube-proxy 9.9 was built; there is v1."));
}

TEST_F(RealProxies, leave_nothing_behind_when_the_lab_goes) {
  const auto wanted = with_api("gone");
  const auto lab = build(wanted);
  const auto access = lab.kubernetes();
  ASSERT_TRUE(access);
  ASSERT_EQ(access->programs.size(), 2U);
  for (const auto& program : access->programs) ASSERT_NE(program.pid, 0) << program.name;
  ASSERT_TRUE(Lab::down(wanted.name));
  for (const auto& program : access->programs) EXPECT_EQ(::kill(program.pid, 0), -1) << program.name;
}

}  // namespace
}  // namespace conntruth::lab::test
