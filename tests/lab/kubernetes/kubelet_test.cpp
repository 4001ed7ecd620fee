// A lab with kubelets: real pods with real Services and DNS, and nothing of them afterwards.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "lab/files.hpp"
#include "lab/kubernetes/programs.hpp"
#include "lab/topology/cgroups.hpp"
#include "lab/topology/process_table.hpp"
#include "tests/lab/lab_fixture.hpp"

namespace conntruth::lab::test {
namespace {

using testing::HasSubstr;

// A pod that shares the node's network and processes, and one with a network of its own behind a Service.
constexpr std::string_view kPods = R"(
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: host}
spec:
  selector: {matchLabels: {app: host}}
  template:
    metadata: {labels: {app: host}}
    spec:
      hostNetwork: true
      hostPID: true
      containers: [{name: pause, image: "conntruth.lab/pause:lab", imagePullPolicy: Never}]
)";

// Settings of the whole machine that a kubelet wants to change.
std::string machine_settings() {
  std::string text;
  for (const auto* name : {"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
                           "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"}) {
    std::string value;
    std::getline(std::ifstream(fmt::format("/proc/sys/{}", name)), value);
    text += fmt::format("{} {}\n", name, value);
  }
  return text;
}

bool has_cgroups(const std::string& lab) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(kCgroupFileSystem, error), end; !error && entry != end;
       entry.increment(error)) {
    if (std::filesystem::exists(entry->path().string() + cgroup_of(lab), error)) return true;
  }
  return std::filesystem::exists(kCgroupFileSystem + cgroup_of(lab), error);
}

class KubeletLab : public LabTest {
 protected:
  void SetUp() override {
    LabTest::SetUp();
    const auto programs = Programs::look("");
    ASSERT_TRUE(programs);
    const auto kubelet = programs->find("kubelet", "", "");
    if (!kubelet) GTEST_SKIP() << kubelet.error().message;
    kubectl_ = programs->find("kubectl", "", "")->path;
  }
  [[nodiscard]] Output kubectl(const Lab& lab, const std::string& words) const {
    return run(lab, "fabric", fmt::format("KUBECONFIG={} {} {}", lab.kubernetes()->kubeconfig, kubectl_, words));
  }
  std::string kubectl_;
};

TEST_F(KubeletLab, runs_real_pods_with_services_and_dns_and_leaves_nothing) {
  const auto before = host_state() + machine_settings();
  auto wanted = spec("kubelet");
  wanted.kubernetes = KubernetesSpec{"", "", true};
  wanted.proxy = "kube-proxy:nftables";
  const auto lab = build(wanted);
  EXPECT_EQ(host_state() + machine_settings(), before) << "while the lab is up";
  EXPECT_TRUE(has_cgroups(wanted.name)) << "else the check below proves nothing";

  const auto pods = lab.directory() + "/pods.yaml";
  ASSERT_TRUE(write_whole_file(pods, std::string(kPods)));
  ASSERT_EQ(kubectl(lab, "create -f " + pods).status, 0);
  const auto rolled_out = kubectl(lab, "rollout status daemonset host --timeout=120s");
  ASSERT_EQ(rolled_out.status, 0) << rolled_out.text << kubectl(lab, "describe pods").text;
  const auto addresses = kubectl(lab, "get pods -l app=host -o 'jsonpath={.items[*].status.podIP}'").text;
  EXPECT_THAT(addresses, HasSubstr("172.31.0.11"));
  EXPECT_THAT(addresses, HasSubstr("172.31.0.12"));
  EXPECT_THAT(run(lab, "node-1", "ps -e -o args").text, HasSubstr("/pause")) << "the node sees its pods' processes";

  // From a pod of the lab's own by the ClusterIP of CoreDNS; the answer's last bytes are 10.96.0.1.
  const auto* const ask =
      "import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(5);"
      "q=b''.join(bytes([len(x)])+x.encode() for x in 'kubernetes.default.svc.cluster.local'.split('.'));"
      "s.sendto(bytes.fromhex('123400000001000000000000')+q+bytes.fromhex('0000010001'),('10.96.0.10',53));"
      "print(s.recv(512)[-4:].hex())";
  EXPECT_THAT(run(lab, "node-2", fmt::format("python3 -c \"{}\"", ask), "node-2-pod-0").text, HasSubstr("0a600001"));

  const auto programs = lab.kubernetes()->programs;
  EXPECT_EQ(programs.size(), 8U) << "four of the cluster, two of each node";
  for (const auto& program : programs) EXPECT_NE(program.pid, 0) << program.name << " on " << program.place;

  ASSERT_TRUE(Lab::down(wanted.name));
  for (const auto& program : programs) EXPECT_FALSE(read_process(program.pid)) << program.name;
  EXPECT_FALSE(has_cgroups(wanted.name));
  EXPECT_EQ(host_state() + machine_settings(), before) << "after the lab has gone";
}

}  // namespace
}  // namespace conntruth::lab::test
