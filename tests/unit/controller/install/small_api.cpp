#include "tests/unit/controller/install/small_api.hpp"

#include <nlohmann/json.hpp>

namespace conntruth::install {
namespace {

using Json = nlohmann::json;

}  // namespace

tests::Answer SmallApi::review(const std::string& body) const {
  auto json = Json::parse(body);
  if (json.at("kind") == "SelfSubjectReview") {
    json["status"]["userInfo"]["username"] = "alice";
  } else {
    const auto& asked = json.at("spec").at("resourceAttributes");
    json["status"]["allowed"] =
        !denied.contains(asked.at("verb").get<std::string>() + " " + asked.at("resource").get<std::string>());
  }
  return {201, json.dump()};
}

tests::Answer SmallApi::answer(const tests::ServedRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto path = request.path();
  if (request.method == "POST") return review(request.body);
  if (request.method == "PATCH") return apply(path, request.body);
  if (const auto fixed = given.find(path); request.method == "GET" && fixed != given.end()) return {200, fixed->second};
  const auto found = objects_.find(path);
  if (found == objects_.end()) return {404, R"({"message":"not found"})"};
  const auto text = found->second;
  if (request.method == "DELETE" && !stuck) objects_.erase(found);
  return {200, text};
}

tests::Answer SmallApi::apply(const std::string& path, const std::string& body) {
  for (const auto& each : refused) {
    if (path.starts_with(each)) return {422, R"({"message":"it may not be so"})"};
  }
  auto object = Json::parse(body);
  const auto found = objects_.find(path);
  const auto version =
      found == objects_.end() ? 0 : Json::parse(found->second)["metadata"]["resourceVersion"].get<int>();
  object["metadata"]["resourceVersion"] = version + 1;
  object["metadata"]["generation"] = version + 1;
  objects_.insert_or_assign(path, object.dump());
  return {version == 0 ? 201U : 200U, object.dump()};
}

}  // namespace conntruth::install
