// What the agent of a DaemonSet reads: Leases, lists of pods, its own health.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "agent/cluster/anchors.hpp"
#include "agent/cluster/health.hpp"
#include "agent/cluster/summons.hpp"

namespace conntruth::agent {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

std::string lease(const std::string& uid, const std::string& address, const std::string& renewed) {
  return fmt::format(
      R"({{"metadata":{{"uid":"{}","annotations":{{"conntruth.io/agents":"{}"}}}},"spec":{{"holderIdentity":"pod-a",)"
      R"("leaseDurationSeconds":30,"renewTime":"{}"}}}})",
      uid, address, renewed);
}

TEST(SummonsBook, a_lease_is_live_for_its_duration_after_each_change_by_our_own_clock) {
  SummonsBook book;
  const SummonsBook::TimePoint start(seconds(1000));
  EXPECT_FALSE(book.live(start));
  ASSERT_TRUE(book.seen(lease("u1", "10.244.1.5:7443", "1970-01-01T00:00:00Z"), start));
  EXPECT_EQ(book.latest(), (Summons{"u1", "pod-a", "10.244.1.5:7443"}));
  EXPECT_TRUE(book.live(start + seconds(29)));
  EXPECT_FALSE(book.live(start + seconds(30)));
  // The same again, as a new list shows it, renews nothing.
  ASSERT_TRUE(book.seen(lease("u1", "10.244.1.5:7443", "1970-01-01T00:00:00Z"), start + seconds(20)));
  EXPECT_FALSE(book.live(start + seconds(30)));
  ASSERT_TRUE(book.seen(lease("u1", "10.244.1.5:7443", "1970-01-01T00:00:10Z"), start + seconds(25)));
  EXPECT_TRUE(book.live(start + seconds(54)));
  book.gone();
  EXPECT_FALSE(book.latest());
  EXPECT_FALSE(book.live(start + seconds(26)));
}

TEST(SummonsBook, a_lease_that_cannot_be_followed_is_none) {
  for (const auto* text : {"", "[]", "{}", R"({"metadata":{"uid":"u"},"spec":{"leaseDurationSeconds":30}})",
                           R"({"metadata":{"uid":1,"annotations":[]},"spec":"x"})"}) {
    SummonsBook book;
    ASSERT_TRUE(book.seen(lease("u1", "[fd00::1]:7443", ""), {}));
    const auto read = book.seen(text, {});
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, HasSubstr("conntruth.io/agents"));
    EXPECT_FALSE(book.latest());
  }
}

TEST(Anchors, addresses_are_those_of_pods_that_stay) {
  const auto addresses = addresses_in(R"({"items":[
    {"metadata":{},"status":{"podIPs":[{"ip":"10.244.1.7"},{"ip":"fd44::7"}]}},
    {"metadata":{"deletionTimestamp":"x"},"status":{"podIPs":[{"ip":"10.244.1.6"}]}},
    {"metadata":{},"status":{}},
    {"metadata":{}}]})");
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_EQ(*addresses, (std::set<IpAddress>{*IpAddress::parse("10.244.1.7"), *IpAddress::parse("fd44::7")}));
  for (const auto* text :
       {"", "[]", "{}", R"({"items":[1]})", R"({"items":[{"metadata":{},"status":{"podIPs":[{}]}}]})"}) {
    EXPECT_FALSE(addresses_in(text)) << text;
  }
}

class HealthTest : public testing::Test {
 protected:
  HealthTest() { std::filesystem::create_directory(directory_); }
  ~HealthTest() override { std::filesystem::remove_all(directory_); }
  const std::string directory_ = testing::TempDir() + "conntruth-health-" + std::to_string(getpid());
};

TEST_F(HealthTest, tells_live_from_ready_and_both_from_hanging) {
  EXPECT_THAT(check_health(directory_, false).error().message, HasSubstr("no agent has written"));
  const Health health(directory_);
  ASSERT_TRUE(health.write(false, "no API server answers"));
  EXPECT_EQ(check_health(directory_, false).value_or("?"), "not ready: no API server answers");
  EXPECT_EQ(check_health(directory_, true).error().message, "not ready: no API server answers");
  ASSERT_TRUE(health.write(true, "waiting for a run"));
  EXPECT_EQ(check_health(directory_, true).value_or("?"), "ready: waiting for a run");
  std::filesystem::last_write_time(directory_ + "/health",
                                   std::filesystem::file_time_type::clock::now() - kHealthStale - seconds(5));
  EXPECT_THAT(check_health(directory_, false).error().message, HasSubstr("the agent hangs"));
}

TEST_F(HealthTest, a_folder_that_cannot_be_written_is_named) {
  const auto written = Health(directory_ + "/none").write(true, "x");
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("--state names the folder"));
}

}  // namespace
}  // namespace conntruth::agent
