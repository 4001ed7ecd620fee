// Tokens of a real kube-apiserver, as the agents' pods get them.
#include "controller/kube/agent_admission.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "tests/lab/kube_client/real_api.hpp"

namespace conntruth::kube {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr auto kSpace = "conntruth-system";
constexpr Resource kAccounts{"", "v1", "serviceaccounts", "ServiceAccount", true};

class AgentAdmissionTest : public RealApi {
 protected:
  void SetUp() override {
    RealApi::SetUp();
    if (!client_ || IsSkipped()) return;
    make(create(kNamespaces, {}, kSpace, named(kSpace)));
    make(create(kAccounts, kSpace, "conntruth-agent", named("conntruth-agent")));
    make(create(kAccounts, kSpace, "other", named("other")));
  }
  static std::string named(const std::string& name) { return json{{"metadata", {{"name", name}}}}.dump(); }
  json make(const Request& request) const {
    const auto made = client_->exchange(request, client_->default_deadline());
    EXPECT_TRUE(made && (made->status < 300 || made->status == 409)) << (made ? made->body : made.error().message);
    return made ? json::parse(made->body) : json();
  }
  // By TokenRequest, as a kubelet asks for it; bound to a pod where one is given.
  [[nodiscard]] std::string token(const std::string& account, const std::string& audience,
                                  const json& pod = nullptr) const {
    json spec = {{"audiences", {audience}}};
    if (!pod.is_null()) {
      spec["boundObjectRef"] = {
          {"kind", "Pod"}, {"apiVersion", "v1"}, {"name", pod["metadata"]["name"]}, {"uid", pod["metadata"]["uid"]}};
    }
    auto request = create(kAccounts, kSpace, account, json{{"spec", spec}}.dump());
    request.path += fmt::format("/{}/token", account);
    return make(request)["status"]["token"];
  }
  // One that stands on a node; nobody runs it.
  [[nodiscard]] json pod_on(const std::string& node) const {
    const json spec = {{"nodeName", node},
                       {"serviceAccountName", "conntruth-agent"},
                       {"terminationGracePeriodSeconds", 0},
                       {"containers", {{{"name", "agent"}, {"image", "none"}}}}};
    return make(create(kPods, kSpace, "agent", json{{"metadata", {{"name", "agent"}}}, {"spec", spec}}.dump()));
  }
  [[nodiscard]] Status admit(const std::string& token, const std::string& node) const {
    return admit_agent(*client_, {}, token, node);
  }
};

TEST_F(AgentAdmissionTest, takes_the_token_of_our_service_account_and_of_no_other) {
  EXPECT_TRUE(admit(token("conntruth-agent", "conntruth"), "node-1"));
  const auto other = admit(token("other", "conntruth"), "node-1");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("it is of system:serviceaccount:conntruth-system:other"));
  const auto audience = admit(token("conntruth-agent", "https://kubernetes.default.svc"), "node-1");
  ASSERT_FALSE(audience);
  EXPECT_EQ(audience.error().code, ErrorCode::kPermission) << audience.error().message;
  const auto garbage = admit("garbage", "node-1");
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, ErrorCode::kPermission) << garbage.error().message;
}

TEST_F(AgentAdmissionTest, takes_a_pods_token_for_its_own_node_only) {
  make(create(kNodes, {}, "node-1", named("node-1")));
  const auto bound = token("conntruth-agent", "conntruth", pod_on("node-1"));
  const auto own = admit(bound, "node-1");
  EXPECT_TRUE(own) << own.error().message;
  const auto other = admit(bound, "node-2");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("it was given out on node node-1, not on node-2"));
  auto gone = kube::remove(kPods, kSpace, "agent");
  gone.query.emplace_back("gracePeriodSeconds", "0");
  ASSERT_TRUE(client_->call(gone));
  ASSERT_TRUE(client_->call(kube::remove(kNodes, {}, "node-1")));
}

TEST_F(AgentAdmissionTest, says_that_the_controller_lacks_the_right_to_ask) {
  const auto nobody = server_->client("nobody");
  const auto refused = admit_agent(*nobody, {}, token("conntruth-agent", "conntruth"), "node-1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("tokenreviews"));
  EXPECT_THAT(refused.error().message, HasSubstr("authentication.k8s.io"));
}

}  // namespace
}  // namespace conntruth::kube
