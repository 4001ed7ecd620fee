// Paths, key and errors of the API, without any socket.
#include "controller/http/api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace conntruth::http {
namespace {

using testing::HasSubstr;

class SomeRuns final : public Runs {
 public:
  Result<std::string> start(const std::string& options) override {
    if (options == "busy") return fail(ErrorCode::kConflict, "run x is going on");
    return "new";
  }
  Result<std::string> list() override { return "[]"; }
  Result<std::shared_ptr<const EventLog>> events(const std::string& id) override {
    if (id != "x") return fail(ErrorCode::kNotFound, "no run " + id);
    return std::make_shared<EventLog>();
  }
  Result<std::string> report(const std::string& id, const std::string& format, bool colour) override {
    return id + " as " + format + (colour ? " in colour" : "");
  }
  Result<std::string> explain(const std::string& id, const std::string& cell) override { return id + ": " + cell; }
  Result<std::string> bundle(const std::string& id, const std::string& cells) override { return id + " of " + cells; }
  Status cancel(const std::string& id) override {
    if (id == "x") return {};
    return fail(ErrorCode::kNotFound, "no run " + id);
  }
};

class HttpApi : public testing::Test {
 protected:
  Reply ask(const std::string& method, const std::string& target, const std::string& body = {},
            const std::string& key = "the key") {
    auto request = *read_target(target);
    request.method = method;
    request.body = body;
    request.headers["x-conntruth-key"] = key;
    request.headers["last-event-id"] = "17";
    return api_.handle(request);
  }

 private:
  SomeRuns runs_;
  Api api_{runs_, "the key"};
};

TEST_F(HttpApi, lets_nobody_in_without_the_key) {
  for (const auto* key : {"", "the ke", "the key ", "wrong!!"}) {
    EXPECT_EQ(ask("GET", "/v1/runs", "", key).status, 401U) << key;
    EXPECT_EQ(ask("POST", "/v1/runs", "", key).status, 401U) << key;
  }
  EXPECT_EQ(ask("GET", "/v1/runs").status, 200U);
  EXPECT_EQ(ask("GET", "/healthz", "", "").status, 200U);
}

TEST_F(HttpApi, has_the_paths_of_runs) {
  EXPECT_EQ(ask("POST", "/v1/runs").status, 201U);
  EXPECT_EQ(nlohmann::json::parse(ask("POST", "/v1/runs").body)["id"], "new");
  EXPECT_EQ(ask("GET", "/v1/runs/x/report?format=wide&colour=1").body, "x as wide in colour");
  EXPECT_EQ(ask("GET", "/v1/runs/x/report").body, "x as json");
  EXPECT_EQ(ask("GET", "/v1/runs/x/cells?id=a/b%3Ec").body, "x: a/b>c");
  const auto bundle = ask("GET", "/v1/runs/x/bundle?cells=a/*,b");
  EXPECT_EQ(bundle.body, "x of a/*,b");
  EXPECT_EQ(bundle.content_type, "application/x-tar");
  EXPECT_EQ(ask("DELETE", "/v1/runs/x").status, 202U);
  const auto events = ask("GET", "/v1/runs/x/events");
  EXPECT_NE(events.events, nullptr);
  EXPECT_EQ(events.after, 17U);
}

TEST_F(HttpApi, turns_errors_into_statuses_with_their_words) {
  const auto busy = ask("POST", "/v1/runs", "busy");
  EXPECT_EQ(busy.status, 409U);
  EXPECT_EQ(nlohmann::json::parse(busy.body)["error"], "run x is going on");
  EXPECT_EQ(nlohmann::json::parse(busy.body)["code"], "conflict");
  EXPECT_EQ(ask("GET", "/v1/runs/y/events").status, 404U);
  EXPECT_EQ(ask("DELETE", "/v1/runs/y").status, 404U);
  EXPECT_EQ(ask("PUT", "/v1/runs").status, 405U);
  EXPECT_EQ(ask("POST", "/v1/runs/x/report").status, 405U);
  EXPECT_EQ(ask("GET", "/v1/runs/x/nothing").status, 404U);
  EXPECT_EQ(ask("GET", "/").status, 404U);
}

}  // namespace
}  // namespace conntruth::http
