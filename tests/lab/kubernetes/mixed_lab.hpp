#pragma once
// A lab with the reference proxy, kube-proxy in iptables and kube-proxy in nftables mode, and the program to use on it.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "lab/kubernetes/programs.hpp"
#include "lab/lab.hpp"
#include "tests/support/process.hpp"

namespace conntruth::lab::test {

// Which program of Kubernetes is not there, and how to get it; "" where none is missing.
inline std::string lacking_programs() {
  const auto programs = Programs::look("");
  if (!programs) return programs.error().message;
  for (const auto& found : {programs->find("kube-apiserver", "", ""), programs->find("kube-proxy", "", "")}) {
    if (!found) return found.error().message;
  }
  const auto etcd = programs->etcd();
  return etcd ? "" : etcd.error().message;
}

inline LabSpec mixed_spec() {
  LabSpec spec;
  spec.kubernetes = KubernetesSpec{};
  spec.node_proxies = {{"node-2", "kube-proxy:iptables"}, {"node-3", "kube-proxy:nftables"}};
  return spec;
}

class MixedLab : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto lacking = lacking_programs(); !lacking.empty()) GTEST_SKIP() << lacking;
    std::filesystem::create_directories(state_);
    auto spec = mixed_spec();
    spec.name = name_;
    const auto lab = Lab::up(spec);
    ASSERT_TRUE(lab) << lab.error().message;
  }
  void TearDown() override {
    [[maybe_unused]] const auto removed = Lab::down(name_);
    std::filesystem::remove_all(state_);
  }
  [[nodiscard]] support::Finished conntruth(std::vector<std::string> words) const {
    words.insert(words.begin(), std::string(CONNTRUTH_BIN_DIR) + "/conntruth");
    return support::run_process(words, {"CONNTRUTH_STATE_DIR=" + state_});
  }
  const std::string name_ = "t-mixed-" + std::to_string(getpid());
  const std::string state_ = "/tmp/conntruth-test-mixed-" + std::to_string(getpid());
};

}  // namespace conntruth::lab::test
