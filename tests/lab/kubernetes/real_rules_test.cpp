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
  // From now on `program` of that node reads no lines that match `pattern`, an extended regular expression: what
  // kube-proxy believes to have written never reaches the kernel. The program is covered in the node's own mounts,
  // which go with the node.
  void leave_out(const std::string& node, const std::string& program, const std::string& pattern) const {
    plant(node, "real=$(readlink -f $(command -v " + program + R"()); cd /run/conntruth
cp $real real
cat >covering <<'END'
#!/bin/sh
real=/run/conntruth/real name=${0##*/}
[ $name = nft ] || set -- $name "$@"  # xtables-nft-multi takes the name that it goes by as a word
case "$name $*" in
  *-restore* | 'nft '*'-f -') grep -vE ')" +
                    pattern + R"(' | $real "$@" ;;
  *) exec $real "$@" ;;
esac
END
chmod +x covering; mount --bind covering $real)");
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
  leave_out("node-2", "iptables-restore", "^-A KUBE-SERVICES .* -p tcp .*-j KUBE-SVC");
  leave_out("node-3", "nft", "element ip kube-proxy service-ips [{] .* tcp ");
  const auto report = causes();
  expect_rule(report, "node-2", "not-translated", {"no rule matched (table ip nat, chain KUBE-SERVICES)"});
  expect_rule(report, "node-3", "not-translated",
              {"no element 10.96.", " . tcp . 80 in map service-ips (table ip kube-proxy, chain services, handle "});
}

}  // namespace
}  // namespace conntruth::lab::test
