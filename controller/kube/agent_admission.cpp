#include "controller/kube/agent_admission.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace conntruth::kube {
namespace {

using nlohmann::json;

constexpr auto kNodeName = "authentication.kubernetes.io/node-name";

Request review_of(const std::string& token, const std::string& audience) {
  const json body = {{"apiVersion", "authentication.k8s.io/v1"},
                     {"kind", "TokenReview"},
                     {"spec", {{"token", token}, {"audiences", {audience}}}}};
  auto request = create(kTokenReviews, {}, {}, body.dump());
  request.repeatable = true;  // it asks, it makes nothing
  return request;
}

Status judge(const json& status, const AgentIdentity& identity, const std::string& node) {
  const auto no = [](std::string why) { return fail(ErrorCode::kPermission, "the token is refused: " + why); };
  if (!status.value("authenticated", false)) {
    const auto why = status.value("error", std::string());
    return no(why.empty() ? fmt::format("the API server does not know it, or not for audience {}", identity.audience)
                          : why);
  }
  const auto audiences = status.value("audiences", json::array());
  if (std::ranges::find(audiences, json(identity.audience)) == audiences.end()) {
    return no(fmt::format("it is not for audience {}", identity.audience));
  }
  const auto user = status.value("user", json::object());
  const auto name = user.value("username", std::string());
  if (name != identity.user) return no(fmt::format("it is of {}, agents are {}", name, identity.user));
  const auto extra = user.value("extra", json::object());
  for (const auto& given : extra.value(kNodeName, json::array())) {
    if (given != json(node)) {
      return no(fmt::format("it was given out on node {}, not on {}", given.get<std::string>(), node));
    }
  }
  return {};
}

}  // namespace

Status admit_agent(Client& client, const AgentIdentity& identity, const std::string& token, const std::string& node) {
  const auto answer = client.call(review_of(token, identity.audience), client.deadline_in(identity.timeout));
  if (!answer) {
    // Of ours, not of the agent's: so never kPermission.
    return fail(ErrorCode::kUnavailable, "the token could not be looked at: " + answer.error().message);
  }
  const auto review = json::parse(answer->body, nullptr, false);
  try {
    if (review.is_object() && review.contains("status")) return judge(review.at("status"), identity, node);
  } catch (const json::exception&) {
    // as below
  }
  return fail(ErrorCode::kUnavailable, "the token could not be looked at: the API server's answer is no TokenReview");
}

}  // namespace conntruth::kube
