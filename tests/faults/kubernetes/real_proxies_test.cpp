// Each detector on real proxies: node-2 has kube-proxy in iptables mode, node-3 in nftables mode.

#include <gtest/gtest.h>

#include <memory>

#include "tests/faults/trial.hpp"
#include "tests/lab/kubernetes/mixed_lab.hpp"

namespace conntruth::faults {
namespace {

// Of the faults those that ask nothing of the proxy, one for each detector.
std::vector<Trial> trials() {
  std::vector<Trial> all;
  for (const auto* fault :
       {"answers-out-of-window", "cluster-ip-untracked", "drop-udp-replies", "external-ip-dead", "hairpin-mode-off",
        "hairpin-not-masqueraded", "masquerade-too-much", "neighbour-gone", "no-endpoints-dropped", "no-route",
        "replies-untranslated", "stale-udp-flows", "too-big-for-the-way", "untranslated-flows-stay"}) {
    for (const auto* node : {"node-2", "node-3"}) all.push_back({fault, node});
  }
  return all;
}

class RealProxies : public ::testing::TestWithParam<Trial> {
 protected:
  static void SetUpTestSuite() {
    lacking_ = lab::test::lacking_programs();
    if (!lacking_.empty()) return;
    auto lab = FaultLab::up("k", lab::test::mixed_spec());
    ASSERT_TRUE(lab) << lab.error().message;
    court_ = std::make_unique<Court>(std::move(*lab));
  }
  static void TearDownTestSuite() {
    if (court_ == nullptr) return;
    court_->check_healed();
    court_->print();
    court_.reset();
  }
  void SetUp() override {
    if (!lacking_.empty()) GTEST_SKIP() << lacking_;
    ASSERT_NE(court_, nullptr);
  }

  static std::string lacking_;
  static std::unique_ptr<Court> court_;
};

std::string RealProxies::lacking_;
std::unique_ptr<Court> RealProxies::court_;

TEST_P(RealProxies, show_exactly_the_faults_cells_red_and_why) { court_->hold(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Each, RealProxies, ::testing::ValuesIn(trials()), name_of);

}  // namespace
}  // namespace conntruth::faults
