#include "controller/kube/agent_admission.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/kube/fixture.hpp"

namespace conntruth::kube {
namespace {

using testing::HasSubstr;
using testing::Not;
using tests::Answer;
using tests::ScriptedServer;
using tests::ServedRequest;

constexpr auto kUser = "system:serviceaccount:conntruth-system:conntruth-agent";

std::string review(const std::string& user, const std::string& audience, const std::string& node) {
  const auto extra =
      node.empty() ? "" : fmt::format(R"(,"extra":{{"authentication.kubernetes.io/node-name":["{}"]}})", node);
  return fmt::format(
      R"({{"kind":"TokenReview","status":{{"authenticated":true,"audiences":["{}"],"user":{{"username":"{}"{}}}}}}})",
      audience, user, extra);
}

Status ask(const Answer& answer) {
  const ScriptedServer server([&](const ServedRequest&) { return answer; });
  const auto client = client_of(plain(server));
  return admit_agent(*client, {.timeout = std::chrono::seconds(2)}, "SECRET", "node-1");
}

TEST(AgentAdmission, asks_for_the_token_and_our_audience) {
  const ScriptedServer server(
      [](const ServedRequest&) { return Answer{.status = 201, .body = review(kUser, "conntruth", "node-1")}; });
  const auto client = client_of(plain(server));
  const auto admitted = admit_agent(*client, {}, "SECRET", "node-1");
  EXPECT_TRUE(admitted) << admitted.error().message;
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path(), "/apis/authentication.k8s.io/v1/tokenreviews");
  EXPECT_THAT(request.body, HasSubstr(R"("audiences":["conntruth"])"));
  EXPECT_THAT(request.body, HasSubstr(R"("token":"SECRET")"));
}

TEST(AgentAdmission, an_api_server_that_names_no_node_is_enough) {
  EXPECT_TRUE(ask({.body = review(kUser, "conntruth", "")}));
}

TEST(AgentAdmission, refuses_what_is_not_our_agent_of_that_node) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"status":{"authenticated":false}})", "does not know it"},
      {R"({"status":{"authenticated":false,"error":"token has expired"}})", "token has expired"},
      {R"({"status":{}})", "does not know it"},
      {review("system:serviceaccount:default:default", "conntruth", ""),
       "it is of system:serviceaccount:default:default"},
      {review(kUser, "https://kubernetes.default.svc", ""), "it is not for audience conntruth"},
      {review(kUser, "conntruth", "node-2"), "it was given out on node node-2, not on node-1"}};
  for (const auto& [body, words] : cases) {
    const auto refused = ask({.body = body});
    ASSERT_FALSE(refused) << words;
    EXPECT_EQ(refused.error().code, ErrorCode::kPermission) << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr(words));
  }
}

TEST(AgentAdmission, what_it_cannot_find_out_is_no_refusal) {
  for (const auto& answer : std::vector<Answer>{{.status = 403, .body = "{}"},
                                                {.body = "no JSON"},
                                                {.body = R"({"status":{"authenticated":"x"}})"},
                                                {.body = "{}"},
                                                {.status = 500}}) {
    const auto refused = ask(answer);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable) << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr("could not be looked at"));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("SECRET")));
  }
}

}  // namespace
}  // namespace conntruth::kube
