// The Lease of a run on a real kube-apiserver.
#include "controller/kube/run_lease.hpp"

#include <nlohmann/json.hpp>

#include "tests/lab/kube_client/real_api.hpp"

namespace conntruth::kube {
namespace {

using testing::HasSubstr;

class RunLeaseTest : public RealApi {
 protected:
  [[nodiscard]] Result<std::unique_ptr<RunLease>> acquire(const std::string& holder, bool take_over = false,
                                                          std::chrono::seconds duration = std::chrono::seconds(30)) {
    RunLeaseOptions options;
    options.holder = holder;
    options.take_over = take_over;
    options.duration = duration;
    return RunLease::acquire(*client_, options);
  }
  [[nodiscard]] nlohmann::json lease() const {
    const auto found = client_->call(get(kLeases, "conntruth", "run"));
    return found ? nlohmann::json::parse(found->body) : nlohmann::json();
  }
  // As a run leaves it that was killed a while ago.
  void leave_behind(const std::string& renewed) const {
    auto object = lease();
    object["spec"]["renewTime"] = renewed;
    object["spec"]["holderIdentity"] = "a dead run";
    EXPECT_TRUE(client_->call(replace(kLeases, "conntruth", "run", object.dump())));
  }
};

TEST_F(RunLeaseTest, a_second_run_is_told_who_holds_it) {
  const auto first = acquire("host a, process 1");
  ASSERT_TRUE(first) << first.error().message;
  const auto second = acquire("host b, process 2");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr("\"host a, process 1\" holds the Lease conntruth/run"));
  EXPECT_TRUE((*first)->held());
}

TEST_F(RunLeaseTest, is_given_back_at_the_end) {
  {
    ASSERT_TRUE(acquire("one"));
  }
  EXPECT_TRUE(lease().is_null());
  EXPECT_TRUE(acquire("two"));
}

TEST_F(RunLeaseTest, of_a_dead_run_counts_until_it_runs_out) {
  const auto first = acquire("one");
  ASSERT_TRUE(first);
  leave_behind("2026-01-02T03:04:05.000000Z");
  const auto second = acquire("two");
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(lease().at("spec").at("holderIdentity"), "two");
}

TEST_F(RunLeaseTest, who_knows_better_takes_it_over) {
  const auto first = acquire("one");
  ASSERT_TRUE(first);
  EXPECT_TRUE(acquire("two", true));
}

TEST_F(RunLeaseTest, is_renewed_and_its_loss_is_noticed) {
  const auto first = acquire("one", false, std::chrono::seconds(3));
  ASSERT_TRUE(first);
  const auto written = lease().at("spec").at("renewTime");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (lease().at("spec").at("renewTime") == written) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "it was never renewed";
    ASSERT_TRUE(client_->wait(std::chrono::milliseconds(50), {}));
  }
  EXPECT_TRUE((*first)->held());
  const auto thief = acquire("two", true);
  ASSERT_TRUE(thief);
  while ((*first)->held()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the loss was never noticed";
    ASSERT_TRUE(client_->wait(std::chrono::milliseconds(50), {}));
  }
  EXPECT_EQ((*first)->held().error().code, ErrorCode::kConflict);
}

TEST_F(RunLeaseTest, names_the_right_that_is_missing) {
  const auto nobody = server_->client("nobody");
  const auto refused = RunLease::acquire(*nobody, {.holder = "nobody"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermission);
  EXPECT_THAT(refused.error().message,
              HasSubstr("{apiGroups: [\"coordination.k8s.io\"], resources: [leases], verbs: [get]}"));
}

}  // namespace
}  // namespace conntruth::kube
