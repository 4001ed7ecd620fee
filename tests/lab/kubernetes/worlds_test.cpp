// Random worlds on three kinds of proxies at once, as a user starts them; and a fault that they have to find.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/world/world_reader.hpp"
#include "tests/lab/kubernetes/mixed_lab.hpp"

namespace conntruth::lab::test {
namespace {

using Json = nlohmann::json;

class RandomWorlds : public MixedLab {
 protected:
  [[nodiscard]] support::Finished worlds(const std::string& count) const {
    return conntruth({"worlds", "--lab", name_, "--seed", "11", "--count", count, "--at-once", "30", "--shrink", "1",
                      "--out", state_, "-q", "-o", "json"});
  }
};

TEST_F(RandomWorlds, are_as_expected_on_every_proxy_and_find_and_shrink_a_planted_fault) {
  const auto healthy = worlds("30");
  ASSERT_EQ(healthy.status, 0) << healthy.err << healthy.out;
  EXPECT_GE(Json::parse(healthy.out).at("cells").at("pass"), 200);

  // TCP alone, so that the canary, which is UDP, is followed as ever.
  const auto planted = conntruth({"lab", "exec", name_, "node-3", "--", "sh", "-euc",
                                  "nft 'table ip6 planted { chain p { type filter hook prerouting priority -350; ip6 "
                                  "daddr fd00:96::/112 meta l4proto tcp drop; }; chain o { type filter hook output "
                                  "priority -350; ip6 daddr fd00:96::/112 meta l4proto tcp drop; }; }'"});
  ASSERT_EQ(planted.status, 0) << planted.err;
  const auto broken = worlds("10");
  ASSERT_EQ(broken.status, 2) << broken.err << broken.out;
  const auto failure = Json::parse(broken.out).at("failures").at(0);
  EXPECT_NE(failure.at("cell").get<std::string>().find("node-3"), std::string::npos) << failure.at("cell");
  EXPECT_EQ(failure.at("shrunk").at("flake"), false);
  const auto smallest = world::read_world_file(failure.at("file"));
  ASSERT_TRUE(smallest) << smallest.error().message;
  EXPECT_EQ(smallest->services.size(), 1U);
  EXPECT_EQ(smallest->services[0].ports.size(), 1U);
  ASSERT_EQ(smallest->slices.size(), 1U);
  EXPECT_EQ(smallest->slices[0].endpoints.size(), 1U);
  const auto again = conntruth({"run", "--lab", name_, "--world", failure.at("file"), "-q"});
  EXPECT_EQ(again.status, 2) << again.out;
}

}  // namespace
}  // namespace conntruth::lab::test
