// The rule in the cause on real proxies: what was planted among kube-proxy's rules, or taken from them, is named.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/lab/kubernetes/mixed_lab.hpp"

namespace conntruth::lab::test {
namespace {

using Json = nlohmann::json;

// node-2 has kube-proxy in iptables mode, node-3 in nftables mode.
class RealRules : public MixedLab {
 protected:
  void plant(const std::string& node, const std::string& script) const {
    const auto planted = conntruth({"lab", "exec", name_, node, "--", "sh", "-euc", script});
    ASSERT_EQ(planted.status, 0) << planted.err;
  }
  // What is written is taken away as soon as it is there, until the node goes: where a line of `nft monitor` has
  // `written`, `undo` writes the commands.
  void keep_undoing(const std::string& node, const std::string& written, const std::string& undo) const {
    plant(node, "(nft monitor </dev/null | grep --line-buffered '" + written + "' | while read -r line; do " + undo +
                    " | nft -f -; done) >/dev/null 2>&1 &");
  }
  [[nodiscard]] Json causes() const {
    const auto finished = conntruth({"run", "--lab", name_, "--select", "clusterip/*pod-0*/tcp/ipv4", "-o", "json"});
    EXPECT_EQ(finished.status, 2) << finished.err;
    return Json::parse(finished.out);
  }
  // The red cells of a node's pod, of which each has to name that rule.
  static void expect_rule(const Json& report, const std::string& node, const std::string& code,
                          const std::vector<std::string>& parts) {
    std::size_t red = 0;
    for (const auto& cell : report.at("cells")) {
      if (cell.at("verdict") != "fail" || !cell.at("vantage").get<std::string>().starts_with(node)) continue;
      ++red;
      const auto& cause = cell.at("reason").at("cause");
      EXPECT_EQ(cause.at("code"), code) << cause;
      EXPECT_EQ(cause.at("node"), node) << cause;
      for (const auto& part : parts)
        EXPECT_NE(cause.at("rule").get<std::string>().find(part), std::string::npos) << cause;
    }
    EXPECT_GT(red, 0U) << node << ": " << report.value("evidenceNotes", Json());
  }
};

TEST_F(RealRules, a_drop_among_kube_proxy_s_rules_is_named) {
  plant("node-2", "iptables -I FORWARD -p tcp -m conntrack --ctstate DNAT -j DROP");
  plant("node-3", "nft insert rule ip kube-proxy filter-forward meta l4proto tcp ct status dnat drop");
  const auto report = causes();
  expect_rule(report, "node-2", "dropped-by-rule", {"drop (table ip filter, chain FORWARD, handle "});
  expect_rule(report, "node-3", "dropped-by-rule",
              {"meta l4proto tcp ct status dnat drop (table ip kube-proxy, chain filter-forward, handle "});
}

TEST_F(RealRules, a_rule_of_kube_proxy_s_that_is_gone_is_named) {
  keep_undoing("node-2", "^add rule ip nat KUBE-SERVICES .* tcp .*KUBE-SVC",
               R"(nft -a list chain ip nat KUBE-SERVICES | )"
               R"(sed -n 's/.* tcp .*KUBE-SVC.*# handle \([0-9]*\)$/delete rule ip nat KUBE-SERVICES handle \1/p')");
  keep_undoing("node-3", "^add element ip kube-proxy service-ips .* tcp ",
               R"(echo "$line" | sed -n 's/.*{ \([0-9.]* \. tcp \. [0-9]*\) .*: goto.*/)"
               R"(delete element ip kube-proxy service-ips { \1 }/p')");
  const auto report = causes();
  expect_rule(report, "node-2", "not-translated", {"no rule matched (table ip nat, chain KUBE-SERVICES)"});
  expect_rule(report, "node-3", "not-translated",
              {"no element 10.96.", " . tcp . 80 in map service-ips (table ip kube-proxy, chain services, handle "});
}

}  // namespace
}  // namespace conntruth::lab::test
