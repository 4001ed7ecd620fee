// Worlds written to an API server that is too busy, breaks down, or forgets: each is told by name or got over, nothing
// is there twice, and nothing stays.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "common/world/world_reader.hpp"
#include "controller/kube/world_writer.hpp"
#include "tests/support/loopback_access.hpp"
#include "tests/support/scripted_server.hpp"

namespace conntruth::kube {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::Answer;
using tests::ScriptedServer;
using tests::ServedRequest;

constexpr std::string_view kWorld = R"(
apiVersion: v1
kind: Service
metadata: {name: web, namespace: conntruth}
spec: {clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: conntruth}
spec: {clusterIP: 10.96.0.8, clusterIPs: [10.96.0.8], ports: [{port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: conntruth, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8080}]
endpoints: [{addresses: [10.244.2.10], nodeName: node-2}]
)";

// Keeps objects by their path, as an API server does; the little of it that a world needs.
class SmallApi {
 public:
  Answer answer(const ServedRequest& request) {
    const std::lock_guard lock(mutex_);
    const auto path = request.path();
    if (request.method == "POST") return create(path, request.body);
    if (request.method == "PUT") return {200, objects_[path] = request.body};
    if (request.method == "DELETE") {
      std::erase_if(objects_,
                    [&](const auto& each) { return each.first == path || each.first.starts_with(path + "/"); });
      return {200, "{}"};
    }
    if (const auto found = objects_.find(path); found != objects_.end()) return {200, found->second};
    return list(path);
  }
  [[nodiscard]] std::set<std::string> paths() const {
    const std::lock_guard lock(mutex_);
    std::set<std::string> result;
    for (const auto& [path, body] : objects_) result.insert(path);
    return result;
  }

 private:
  Answer create(const std::string& path, const std::string& body) {
    const auto name = Json::parse(body).at("metadata").at("name").get<std::string>();
    const auto made = objects_.emplace(path + "/" + name, body).second;
    return made ? Answer{201, body} : Answer{409, R"({"message":"already exists"})"};
  }
  // Across namespaces too: "/api/v1/services" lists "/api/v1/namespaces/X/services/Y".
  [[nodiscard]] Answer list(const std::string& path) const {
    const auto kind = path.substr(path.rfind('/') + 1);
    auto items = Json::array();
    for (const auto& [key, body] : objects_) {
      const auto folder = key.substr(0, key.rfind('/'));
      if (folder.substr(folder.rfind('/') + 1) == kind) items.push_back(Json::parse(body));
    }
    return {200, Json{{"kind", "List"}, {"metadata", {{"resourceVersion", "7"}}}, {"items", items}}.dump()};
  }

  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_;
};

// How often each request has come.
class Counter {
 public:
  unsigned count(const ServedRequest& request) {
    const std::lock_guard lock(mutex_);
    return ++seen_[request.method + request.target + request.body];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, unsigned> seen_;
};

class ApiInTrouble : public testing::Test {
 protected:
  std::unique_ptr<Client> client_of(const ScriptedServer& server) {
    ClientOptions options;
    options.backoff.first = options.backoff.most = std::chrono::milliseconds(1);
    return *Client::make(tests::loopback_access(server.port()), options);
  }
  ClusterWorld adopt(Client& client, std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    ClusterWorldOptions options;
    options.timeout = timeout;
    auto world = ClusterWorld::adopt(client, options);
    EXPECT_TRUE(world) << world.error().message;
    return std::move(*world);
  }
  static std::set<std::string> whole() {
    const std::string space = "/api/v1/namespaces/conntruth";
    return {space, space + "/services/web", space + "/services/other",
            "/apis/discovery.k8s.io/v1/namespaces/conntruth/endpointslices/web-1"};
  }
  const world::World world_ = *world::read_world(kWorld, "a test");
  SmallApi api_;
};

TEST_F(ApiInTrouble, refusals_that_pass_are_got_over_and_nothing_is_there_twice) {
  Counter counter;
  for (const auto status : {429U, 503U, 500U, 504U}) {
    const ScriptedServer server([&](const ServedRequest& request) {
      if (counter.count(request) % 2 == 1) return Answer{status, R"({"message":"busy"})"};
      return api_.answer(request);
    });
    const auto client = client_of(server);
    auto world = adopt(*client);
    const auto published = world.publish(world_);
    ASSERT_TRUE(published) << status << ": " << published.error().message;
    EXPECT_EQ(published->created, 3U) << status;
    EXPECT_EQ(api_.paths(), whole()) << status;
    const auto swept = world.sweep();
    ASSERT_TRUE(swept) << status << ": " << swept.error().message;
    EXPECT_THAT(api_.paths(), IsEmpty()) << status;
  }
}

TEST_F(ApiInTrouble, what_it_did_before_it_broke_down_is_understood) {
  Counter counter;
  const ScriptedServer server([&](const ServedRequest& request) {
    auto answer = api_.answer(request);
    // Carried out, and then no word of it.
    if (request.method == "POST" && counter.count(request) == 1) return Answer{500, R"({"message":"broken"})"};
    return answer;
  });
  const auto client = client_of(server);
  auto world = adopt(*client);
  const auto published = world.publish(world_);
  ASSERT_TRUE(published) << published.error().message;
  EXPECT_EQ(api_.paths(), whole());
  ASSERT_TRUE(world.sweep());
  EXPECT_THAT(api_.paths(), IsEmpty());
}

TEST_F(ApiInTrouble, a_refusal_that_stays_is_named_and_what_was_written_goes_again) {
  bool broken = true;
  const ScriptedServer server([&](const ServedRequest& request) {
    if (broken && request.method == "POST" && request.body.contains("\"other\""))
      return Answer{429, R"({"message":"too many requests"})"};
    return api_.answer(request);
  });
  const auto client = client_of(server);
  auto world = adopt(*client, std::chrono::milliseconds(300));
  const auto published = world.publish(world_);
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(published.error().message,
              AllOf(HasSubstr("create services conntruth/other: HTTP 429"), HasSubstr("too many requests")));
  EXPECT_TRUE(api_.paths().contains("/api/v1/namespaces/conntruth/services/web")) << "the others are written";
  ASSERT_TRUE(world.sweep());
  EXPECT_THAT(api_.paths(), IsEmpty());
}

TEST_F(ApiInTrouble, a_list_that_expires_between_its_pages_is_begun_again) {
  ASSERT_TRUE(world_.services.size() == 2);
  unsigned expired = 0;
  const ScriptedServer server([&](const ServedRequest& request) {
    if (request.path() != "/api/v1/services") return api_.answer(request);
    if (request.query("continue").empty()) {
      auto page = Json::parse(api_.answer(request).body);
      if (expired == 0) page["metadata"]["continue"] = "next";
      return Answer{200, page.dump()};
    }
    ++expired;
    return Answer{410, R"({"message":"the provided continue parameter is too old"})"};
  });
  {
    const ScriptedServer healthy([&](const ServedRequest& request) { return api_.answer(request); });
    const auto client = client_of(healthy);
    ASSERT_TRUE(adopt(*client).publish(world_));
  }
  const auto client = client_of(server);
  EXPECT_EQ(adopt(*client).published().services.size(), 2U);
  EXPECT_EQ(expired, 1U);
}

}  // namespace
}  // namespace conntruth::kube
