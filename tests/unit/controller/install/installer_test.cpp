// Applying, taking back and removing, against an API server that keeps what it is given.
#include "controller/install/installer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/install/permission.hpp"
#include "tests/unit/controller/install/small_api.hpp"

namespace conntruth::install {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const Say kSilent = [](const std::string&) {};

std::vector<Object> objects(const InstallOptions& options = {}) { return objects_of(options).value(); }

std::vector<Outcome> outcomes(const Result<std::vector<Applied>>& applied) {
  std::vector<Outcome> result;
  EXPECT_TRUE(applied) << applied.error().message;
  if (!applied) return result;
  for (const auto& each : *applied) result.push_back(each.outcome);
  return result;
}

TEST(Installer, creates_everything_once_and_then_says_unchanged) {
  const SmallApi api;
  const auto client = api.client();
  const auto first = objects();
  EXPECT_THAT(outcomes(apply_all(*client, first, kSilent)), AllOf(SizeIs(first.size()), Each(Outcome::kCreated)));
  // Another certificate is made, and the one that is there is kept.
  EXPECT_THAT(outcomes(apply_all(*client, objects(), kSilent)), AllOf(SizeIs(first.size()), Each(Outcome::kUnchanged)));
}

TEST(Installer, names_what_another_wish_changes) {
  const SmallApi api;
  const auto client = api.client();
  ASSERT_TRUE(apply_all(*client, objects(), kSilent));
  const auto again = apply_all(*client, objects({.profile = AgentProfile::kEbpf}), kSilent);
  ASSERT_TRUE(again) << again.error().message;
  for (const auto& each : *again) {
    const bool agent = each.object.title() == "DaemonSet conntruth-system/conntruth-agent";
    EXPECT_EQ(each.outcome, agent ? Outcome::kChanged : Outcome::kUnchanged) << each.object.title();
  }
}

TEST(Installer, takes_back_what_it_made_where_it_does_not_come_to_its_end) {
  SmallApi api;
  api.refused = {"/apis/apps/v1/namespaces/conntruth-system/deployments"};
  const auto client = api.client();
  const auto applied = apply_all(*client, objects(), kSilent);
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().message,
              AllOf(HasSubstr("Deployment conntruth-system/conntruth-controller"), HasSubstr("it may not be so"),
                    HasSubstr("the 24 objects that were made before it are removed again")));
  EXPECT_THAT(api.paths(), IsEmpty());
}

TEST(Installer, leaves_what_was_there_before_and_says_what_of_it_was_changed) {
  SmallApi api;
  const auto client = api.client();
  ASSERT_TRUE(apply_all(*client, objects(), kSilent));
  const auto before = api.paths();
  api.refused = {"/apis/apps/v1/namespaces/conntruth-system/deployments"};
  const auto applied = apply_all(*client, objects({.profile = AgentProfile::kEbpf}), kSilent);
  ASSERT_FALSE(applied);
  EXPECT_THAT(applied.error().message,
              AllOf(HasSubstr("changed before it and left so: DaemonSet conntruth-system/conntruth-agent"),
                    Not(HasSubstr("removed again"))));
  EXPECT_EQ(api.paths(), before);
}

TEST(Installer, removes_namespaces_last_and_counts_what_was_there) {
  const SmallApi api;
  const auto client = api.client();
  const auto all = objects();
  ASSERT_TRUE(apply_all(*client, all, kSilent));
  const auto removed = remove_all(*client, all, client->deadline_in(std::chrono::seconds(20)), kSilent);
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(*removed, all.size());
  EXPECT_THAT(api.paths(), IsEmpty());
  std::vector<std::string> deleted;
  for (const auto& each : api.requests()) {
    if (each.method == "DELETE") deleted.push_back(each.path());
  }
  EXPECT_EQ(deleted.front(), "/apis/apps/v1/namespaces/conntruth-system/deployments/conntruth-controller");
  EXPECT_EQ(deleted.back(), "/api/v1/namespaces/conntruth-system");
  const auto again = remove_all(*client, all, client->deadline_in(std::chrono::seconds(20)), kSilent);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, 0U);
}

TEST(Installer, names_what_does_not_go) {
  SmallApi api;
  const auto client = api.client();
  ASSERT_TRUE(apply_all(*client, objects(), kSilent));
  api.stuck = true;
  const auto removed = remove_all(*client, objects(), client->deadline_in(std::chrono::milliseconds(1)), kSilent);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(removed.error().message, HasSubstr("still there: Deployment conntruth-system/conntruth-controller"));
}

TEST(Permission, names_verb_and_resource_and_the_yaml_that_grants_it_before_anything_is_done) {
  SmallApi api;
  api.denied = {"create daemonsets", "patch daemonsets", "create clusterroles"};
  const auto client = api.client();
  const auto may = check_install_rights(*client, objects());
  ASSERT_FALSE(may);
  EXPECT_EQ(may.error().code, ErrorCode::kPermission);
  EXPECT_THAT(may.error().message,
              AllOf(HasSubstr("alice may not"), HasSubstr("create, patch daemonsets.apps in conntruth-system"),
                    HasSubstr("create clusterroles.rbac.authorization.k8s.io"),
                    HasSubstr("\nkind: ClusterRole\nmetadata: {name: conntruth-install}\n"),
                    HasSubstr("  - {apiGroups: [\"apps\"], resources: [daemonsets], verbs: [create, patch]}\n"),
                    HasSubstr("name: \"alice\"}]")));
  EXPECT_THAT(may.error().message, Not(HasSubstr("deployments")));
  EXPECT_THAT(api.paths(), IsEmpty());
}

TEST(Permission, who_may_not_escalate_has_to_have_what_the_roles_give) {
  SmallApi api;
  api.denied = {"create tokenreviews"};
  EXPECT_TRUE(check_install_rights(*api.client(), objects()));
  api.denied = {"create tokenreviews", "escalate clusterroles"};
  const auto may = check_install_rights(*api.client(), objects());
  ASSERT_FALSE(may);
  EXPECT_THAT(may.error().message, HasSubstr("missing: create tokenreviews.authentication.k8s.io\n"));
}

TEST(Permission, of_a_removal_covers_what_runs_have_left) {
  SmallApi api;
  api.denied = {"deletecollection endpointslices", "delete namespaces"};
  const auto may = check_removal_rights(*api.client());
  ASSERT_FALSE(may);
  EXPECT_THAT(may.error().message,
              AllOf(HasSubstr("all that uninstall needs"),
                    HasSubstr("missing: delete namespaces; deletecollection endpointslices.discovery.k8s.io\n"),
                    HasSubstr("metadata: {name: conntruth-uninstall}")));
}

TEST(Permission, rules_of_roles_are_read_with_their_namespaces_and_names) {
  const auto given = rights_given_by(objects()).value();
  const auto has = [&](const cluster::Right& wanted) {
    return std::ranges::any_of(given, [&](const cluster::Right& each) {
      return each.group == wanted.group && each.resource == wanted.resource && each.verbs == wanted.verbs &&
             each.namespace_name == wanted.namespace_name && each.name == wanted.name;
    });
  };
  EXPECT_TRUE(has({"", "nodes", {"list"}, "", ""}));
  EXPECT_TRUE(has({"coordination.k8s.io", "leases", {"list", "watch"}, "conntruth-system", "conntruth-controller"}));
}

}  // namespace
}  // namespace conntruth::install
