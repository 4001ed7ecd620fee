// Requests, retries, errors in words, TLS and credentials against a scripted server.
#include "kube/client.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "kube/listing.hpp"
#include "tests/unit/kube/fixture.hpp"

namespace conntruth::kube {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using tests::Answer;
using tests::ScriptedServer;
using tests::ServedRequest;

Answer status(unsigned code, std::string_view message = "because",
              std::vector<std::pair<std::string, std::string>> headers = {}) {
  return {code, fmt::format(R"({{"kind":"Status","message":"{}","code":{}}})", message, code), std::move(headers)};
}

// Answers with each of `answers` in turn, then with the last one again and again.
ScriptedServer::Handler in_turn(std::vector<Answer> answers, std::shared_ptr<std::atomic<std::size_t>> count) {
  return [answers = std::move(answers), count](const ServedRequest&) {
    return answers[std::min(count->fetch_add(1), answers.size() - 1)];
  };
}
auto counter() { return std::make_shared<std::atomic<std::size_t>>(0); }

TEST(Client, sends_agent_manager_and_path) {
  const ScriptedServer server([](const ServedRequest&) { return Answer{201, "{}"}; });
  auto access = plain(server);
  access.path_prefix = "/proxy";
  access.token = "secret";
  const auto client = client_of(access);
  ASSERT_TRUE(client->call(apply(kEndpointSlices, "default", "web-1", "{}")));
  const auto request = server.requests().front();
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(
      request.target,
      "/proxy/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/web-1?force=true&fieldManager=conntruth");
  EXPECT_EQ(request.headers.at("user-agent"), "conntruth");
  EXPECT_EQ(request.headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(request.headers.at("content-type"), "application/apply-patch+yaml");
}

TEST(Client, keeps_its_connections_and_has_many_requests_in_flight) {
  const ScriptedServer server([](const ServedRequest& request) { return Answer{201, request.body}; });
  const auto client = client_of(plain(server));
  std::vector<Request> requests;
  for (int i = 0; i < 200; ++i) requests.push_back(create(kServices, "default", "s", std::to_string(i)));
  const auto results = client->batch(requests, client->default_deadline());
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(results[static_cast<std::size_t>(i)]);
    EXPECT_EQ(results[static_cast<std::size_t>(i)]->body, std::to_string(i));
  }
  EXPECT_LE(server.connections(), 8U);
  EXPECT_EQ(client->counters().requests, 200U);
  EXPECT_EQ(client->counters().retries, 0U);
}

TEST(Client, repeats_what_the_server_was_too_busy_for) {
  for (const unsigned code : {429U, 500U, 502U, 503U, 504U}) {
    const ScriptedServer server(in_turn({status(code), status(code), {200, "{}"}}, counter()));
    const auto client = client_of(plain(server));
    const auto response = client->call(get(kServices, "default", "web"));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->retries, 2U);
    EXPECT_EQ(client->counters().retries, 2U);
    EXPECT_EQ(client->counters().throttled, code == 429 ? 2U : 0U);
  }
}

TEST(Client, does_not_repeat_a_create_that_may_have_been_carried_out) {
  for (const unsigned code : {500U, 502U, 504U}) {
    const ScriptedServer server(in_turn({status(code)}, counter()));
    EXPECT_FALSE(client_of(plain(server))->call(create(kServices, "default", "web", "{}")));
    EXPECT_EQ(server.requests().size(), 1U);
  }
  const ScriptedServer cut(in_turn({{.cut = 0}}, counter()));
  EXPECT_FALSE(client_of(plain(cut))->call(create(kServices, "default", "web", "{}")));
  EXPECT_EQ(cut.requests().size(), 1U);
}

TEST(Client, waits_as_long_as_retry_after_says_but_not_beyond_its_deadline) {
  const ScriptedServer server(in_turn({status(429, "slow down", {{"Retry-After", "3600"}})}, counter()));
  const auto client = client_of(plain(server));
  const auto response = client->call(get(kServices, "default", "web"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(response.error().message, HasSubstr("get services default/web: HTTP 429: slow down"));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(Client, sends_again_where_a_kept_connection_was_closed_meanwhile) {
  const ScriptedServer server(in_turn({{200, "{}", {}, false, false, {}, false, true}, {200, "{}"}}, counter()));
  const auto client = client_of(plain(server));
  ASSERT_TRUE(client->call(get(kServices, "default", "web")));
  ASSERT_TRUE(client->call(replace(kServices, "default", "web", "{}")));
  EXPECT_EQ(server.connections(), 2U);
}

TEST(Client, survives_an_answer_cut_at_every_byte) {
  const Answer whole{200, R"({"kind":"Service"})"};
  for (std::size_t cut = 0; cut < whole.bytes().size(); ++cut) {
    auto first = whole;
    first.cut = cut;
    const ScriptedServer server(in_turn({first, whole}, counter()));
    const auto response = client_of(plain(server))->call(get(kServices, "default", "web"));
    ASSERT_TRUE(response) << "cut at byte " << cut << ": " << response.error().message;
    ASSERT_EQ(response->body, whole.body);
  }
}

TEST(Client, gives_up_at_its_deadline) {
  const ScriptedServer server(in_turn({{.no_answer = true}}, counter()));
  auto options = fast();
  options.timeout = std::chrono::milliseconds(50);
  const auto response = client_of(plain(server), options)->call(get(kServices, "default", "web"));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, HasSubstr("in time"));
}

TEST(Client, close_ends_what_is_under_way) {
  const ScriptedServer server(in_turn({{.no_answer = true}}, counter()));
  const auto client = client_of(plain(server));
  Result<Response> response;
  std::jthread caller([&] { response = client->call(get(kServices, "default", "web")); });
  while (server.requests().empty()) std::this_thread::yield();
  client->close();
  caller.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(client->call(get(kServices, "default", "web")));
}

struct Refusal {
  unsigned status;
  ErrorCode code;
  std::string message;
};

TEST(Client, says_what_was_refused_and_what_to_do) {
  const std::vector<Refusal> refusals = {
      {403, ErrorCode::kPermission,
       "create services default/web: HTTP 403: because; grant with a Role or ClusterRole: "
       "{apiGroups: [\"\"], resources: [services], verbs: [create]} in namespace default"},
      {401, ErrorCode::kPermission,
       "HTTP 401: because; the server does not know us by the credentials of a test: there is neither"},
      {404, ErrorCode::kNotFound, "create services default/web: HTTP 404: because"},
      {409, ErrorCode::kConflict, "HTTP 409: because; somebody else"},
      {410, ErrorCode::kUnavailable, "HTTP 410: because; the version is too old"},
      {422, ErrorCode::kInvalidInput, "create services default/web: HTTP 422: because"},
  };
  for (const auto& refusal : refusals) {
    const ScriptedServer server(in_turn({status(refusal.status)}, counter()));
    const auto response = client_of(plain(server))->call(create(kServices, "default", "web", "{}"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, refusal.code);
    EXPECT_THAT(response.error().message, HasSubstr(refusal.message));
  }
}

TEST(Client, an_answer_that_is_no_status_is_still_one_line) {
  const ScriptedServer server(in_turn({{404, "<html>\r\n<b>nginx</b>"}}, counter()));
  const auto response = client_of(plain(server))->call(get(kServices, "default", "web"));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, AllOf(HasSubstr("nginx"), Not(HasSubstr("\n"))));
}

class Tls : public testing::Test {
 protected:
  Access over_tls(const ScriptedServer& server) {
    auto access = plain(server);
    access.tls = true;
    access.ca_pem = authority_.certificate_pem;
    return access;
  }
  std::string refusal(const tests::CertificateSpec& spec, const std::function<void(Access&)>& change = {}) {
    const ScriptedServer server(in_turn({{200, "{}"}}, counter()), tests::issue(authority_, spec));
    auto access = over_tls(server);
    if (change) change(access);
    const auto response = client_of(access)->call(get(kServices, "default", "web"));
    return response ? "" : response.error().message;
  }
  tests::Certificate authority_ = tests::make_authority("ca");
};

TEST_F(Tls, trusts_the_authority_for_the_address) { EXPECT_EQ(refusal({.names = {"IP:127.0.0.1"}}), ""); }

TEST_F(Tls, refuses_another_authority) {
  EXPECT_THAT(refusal({.names = {"IP:127.0.0.1"}},
                      [](Access& access) { access.ca_pem = tests::make_authority("other").certificate_pem; }),
              HasSubstr("set the cluster's certificate-authority"));
}

TEST_F(Tls, refuses_an_expired_certificate) {
  EXPECT_THAT(refusal({.names = {"IP:127.0.0.1"}, .begins = std::chrono::hours(-2), .ends = std::chrono::hours(-1)}),
              AllOf(HasSubstr("certificate has expired"), HasSubstr("renew the server's certificate")));
}

TEST_F(Tls, refuses_another_name_unless_it_is_named) {
  const tests::CertificateSpec spec{.names = {"DNS:kubernetes.default"}};
  EXPECT_THAT(refusal(spec), HasSubstr("not for \"127.0.0.1\": set the cluster's tls-server-name"));
  EXPECT_EQ(refusal(spec, [](Access& access) { access.tls_server_name = "kubernetes.default"; }), "");
  EXPECT_EQ(refusal(spec, [](Access& access) { access.skip_tls_verify = true; }), "");
}

TEST_F(Tls, names_an_expired_client_certificate_where_the_server_says_401) {
  const ScriptedServer server(in_turn({status(401)}, counter()), tests::issue(authority_, {.names = {"IP:127.0.0.1"}}));
  const auto own = tests::issue(authority_, {.begins = std::chrono::hours(-2), .ends = std::chrono::hours(-1)});
  auto access = over_tls(server);
  access.client_certificate_pem = own.certificate_pem;
  access.client_key_pem = own.key_pem;
  const auto response = client_of(access)->call(get(kServices, "default", "web"));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, HasSubstr("the client certificate ended at 20"));
}

TEST_F(Tls, names_an_expired_client_certificate_where_the_server_takes_us_for_nobody) {
  const ScriptedServer server(
      in_turn({{403, R"({"message":"services is forbidden: User \"system:anonymous\" cannot get resource"})"}},
              counter()),
      tests::issue(authority_, {.names = {"IP:127.0.0.1"}}));
  const auto own = tests::issue(authority_, {.begins = std::chrono::hours(-2), .ends = std::chrono::hours(-1)});
  auto access = over_tls(server);
  access.client_certificate_pem = own.certificate_pem;
  access.client_key_pem = own.key_pem;
  const auto response = client_of(access)->call(get(kServices, "default", "web"));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message,
              AllOf(HasSubstr("the client certificate ended at 20"), Not(HasSubstr("grant with"))));
}

TEST_F(Tls, unusable_keys_are_refused_before_anything_is_sent) {
  Access access;
  access.origin = "test";
  access.ca_pem = "nothing";
  EXPECT_THAT(Client::make(access, {}).error().message, HasSubstr("test: certificate authority: no PEM certificate"));
  access.ca_pem = authority_.certificate_pem;
  access.client_certificate_pem = tests::issue(authority_, {}).certificate_pem;
  access.client_key_pem = authority_.key_pem;
  EXPECT_THAT(Client::make(access, {}).error().message, HasSubstr("client key: no PEM key that fits"));
}

class TokenFile : public testing::Test {
 protected:
  void SetUp() override { write("first"); }
  void TearDown() override { std::filesystem::remove(path_); }
  void write(const std::string& token) const {
    const auto next = path_ + ".next";
    std::ofstream(next) << token << '\n';
    std::filesystem::rename(next, path_);
  }
  std::string path_ = testing::TempDir() + "conntruth-token-" + std::to_string(::getpid());
};

TEST_F(TokenFile, is_read_again_when_it_changes) {
  const ScriptedServer server(in_turn({{200, "{}"}}, counter()));
  auto access = plain(server);
  access.token_file = path_;
  const auto client = client_of(access);
  ASSERT_TRUE(client->call(get(kServices, "default", "web")));
  write("second");
  ASSERT_TRUE(client->call(get(kServices, "default", "web")));
  EXPECT_EQ(server.requests()[0].headers.at("authorization"), "Bearer first");
  EXPECT_EQ(server.requests()[1].headers.at("authorization"), "Bearer second");
}

TEST_F(TokenFile, is_read_again_once_after_401) {
  const ScriptedServer server([](const ServedRequest&) { return status(401); });
  auto access = plain(server);
  access.token_file = path_;
  const auto client = client_of(access);
  EXPECT_EQ(client->call(get(kServices, "default", "web")).error().code, ErrorCode::kPermission);
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(JsonScan, finds_an_object_wherever_its_metadata_stands) {
  const auto meta = scan_meta(
      R"({ "kind" : "X", "spec":{"a":"}\"{","b":[1,[2]]}, "metadata" : {"labels":{"name":"no"},"name":"n","resourceVersion":"7"} })");
  ASSERT_TRUE(meta) << meta.error().message;
  EXPECT_EQ(meta->key, "n");
  EXPECT_EQ(meta->version, "7");
}

TEST(JsonScan, refuses_what_is_cut_anywhere) {
  const std::string whole = R"({"a":"b\"c","d":[1,{"e":null}],"f":{"g":true}})";
  ASSERT_TRUE(scan_members(whole));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) EXPECT_FALSE(scan_members(whole.substr(0, cut))) << cut;
}

TEST(Listing, a_continue_token_that_is_not_understood_is_no_end) {
  EXPECT_FALSE(read_page(R"({"metadata":{"resourceVersion":"1","continue":"a\u003d"},"items":[]})"));
}

}  // namespace
}  // namespace conntruth::kube
