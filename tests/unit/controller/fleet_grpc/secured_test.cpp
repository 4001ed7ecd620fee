// What keeps strangers out of a session over TCP: TLS with real certificates, and tokens.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>

#include "agent/session/session.hpp"
#include "controller/fleet/fleet.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/fake_worker.hpp"
#include "tests/support/test_run.hpp"

namespace conntruth::fleet {
namespace {

using session::Session;
using session::SessionOptions;
using session::TransportSecurity;
using std::chrono::seconds;
using support::FakeWorker;
using support::TestRun;
using testing::HasSubstr;
using tests::CertificateSpec;

constexpr auto kName = "conntruth-controller.conntruth-system.svc";

// A port of the loopback device that nobody listens on now.
std::uint16_t free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(probe, reinterpret_cast<const sockaddr*>(&address), size), 0);
  getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size);
  close(probe);
  return ntohs(address.sin_port);
}

// The first words of an attempt's end.
class Attempt : public session::LinkEvents {
 public:
  void message(std::string) override {}
  void closed(const std::string& why) override { why_.set_value(why); }
  [[nodiscard]] std::string why() {
    auto future = why_.get_future();
    return future.wait_for(seconds(60)) == std::future_status::ready ? future.get() : "nothing happened";
  }

 private:
  std::promise<std::string> why_;
};

class SecuredTest : public testing::Test {
 protected:
  SecuredTest() {
    std::filesystem::create_directory(directory_);
    put("ca.crt", authority_.certificate_pem);
    put("token", "secret-of-node-1\n");
    serve_with({.common_name = "controller", .names = {fmt::format("DNS:{}", kName)}});
  }
  ~SecuredTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string file(const std::string& name) const { return directory_ + "/" + name; }
  void put(const std::string& name, const std::string& text) const { std::ofstream(file(name)) << text; }
  void serve_with(const CertificateSpec& spec) const {
    const auto certificate = tests::issue(authority_, spec);
    put("tls.crt", certificate.certificate_pem);
    put("tls.key", certificate.key_pem);
  }
  [[nodiscard]] FleetOptions options() const {
    FleetOptions options;
    options.security = {file("tls.crt"), file("tls.key"), false};
    options.admit = [](const std::string& token, const std::string& node) -> Status {
      if (token == "nobody knows") return fail(ErrorCode::kUnavailable, "the API server does not answer");
      if (token == "secret-of-" + node) return {};
      return fail(ErrorCode::kPermission, "the token is not that of " + node);
    };
    return options;
  }
  [[nodiscard]] TransportSecurity security() const { return {file("ca.crt"), kName, file("token"), false}; }
  // What an agent is told that cannot even say hello.
  [[nodiscard]] std::string refusal(const TransportSecurity& security) const {
    const auto transport = session::make_grpc_transport(target_, security);
    EXPECT_TRUE(transport);
    return refusal_by(**transport);
  }
  [[nodiscard]] static std::string refusal_by(session::Transport& transport) {
    Attempt attempt;
    const auto link = transport.connect(attempt);
    return attempt.why();
  }
  // How a whole session ends that the controller does not want.
  [[nodiscard]] Status session_of(const std::string& node, const TransportSecurity& security) const {
    const auto transport = session::make_grpc_transport(target_, security);
    EXPECT_TRUE(transport);
    SessionOptions options;
    options.hello.node = node;
    Session session(options, **transport);
    FakeWorker worker(session.sink());
    return session.run(worker);
  }

  const std::string directory_ = testing::TempDir() + "conntruth-secured-" + std::to_string(getpid());
  const tests::Certificate authority_ = tests::make_authority("ours");
  const std::string target_ = fmt::format("127.0.0.1:{}", free_port());
};

TEST_F(SecuredTest, an_agent_with_its_token_joins_over_tls) {
  Fleet fleet(options());
  const auto listening = fleet.listen(target_);
  ASSERT_TRUE(listening) << listening.error().message;
  auto ended = std::async(std::launch::async, [this] { return session_of("node-1", security()); });
  TestRun run(fleet);
  EXPECT_TRUE(run.until_joined());
  fleet.stop("run is over");
  EXPECT_TRUE(ended.get());
}

TEST_F(SecuredTest, each_way_a_certificate_can_be_wrong_is_told_in_words) {
  {
    Fleet fleet(options());
    ASSERT_TRUE(fleet.listen(target_));
    auto other = security();
    put("other.crt", tests::make_authority("theirs").certificate_pem);
    other.ca_file = file("other.crt");
    EXPECT_THAT(refusal(other), HasSubstr("no CA of ours vouches for it"));
    other = security();
    other.server_name = "somebody.else.svc";
    EXPECT_THAT(refusal(other), HasSubstr(fmt::format("it is for {}, not for somebody.else.svc", kName)));
    other = security();
    other.ca_file = file("none.crt");
    EXPECT_THAT(refusal(other), HasSubstr("none.crt: No such file"));
    put("empty.crt", "nothing");
    other.ca_file = file("empty.crt");
    const auto transport = session::make_grpc_transport(target_, other);
    ASSERT_TRUE(transport);
    EXPECT_THAT(refusal_by(**transport), HasSubstr("empty.crt: there is no certificate in it"));
    put("empty.crt", tests::make_authority("theirs").certificate_pem);  // which came late, and is another's
    EXPECT_THAT(refusal_by(**transport), HasSubstr("no CA of ours vouches for it"));
  }
  const std::vector<std::string> names = {fmt::format("DNS:{}", kName)};
  const std::vector<std::pair<CertificateSpec, std::string>> cases = {
      {{.names = names, .begins = seconds(-7200), .ends = seconds(-3600)}, "it expired on "},
      {{.names = names, .begins = seconds(3600), .ends = seconds(7200)}, "it holds from "},
      {{.common_name = kName}, "it is for no name at all"},
      {{.names = {"IP:127.0.0.1"}}, "it is for no name at all"}};
  for (const auto& [spec, words] : cases) {
    serve_with(spec);
    Fleet fleet(options());
    ASSERT_TRUE(fleet.listen(target_));
    const auto why = refusal(security());
    EXPECT_THAT(why, HasSubstr(words));
    EXPECT_THAT(why, HasSubstr("ca.crt"));
    EXPECT_TRUE(fleet.agents().empty());
  }
}

TEST_F(SecuredTest, a_certificate_that_was_renewed_under_another_authority_is_taken_without_a_restart) {
  const auto theirs = tests::make_authority("new");
  put("ca.crt", theirs.certificate_pem);
  Fleet fleet(options());
  ASSERT_TRUE(fleet.listen(target_));
  const auto transport = session::make_grpc_transport(target_, security());
  ASSERT_TRUE(transport);
  Attempt refused;
  const auto first = (*transport)->connect(refused);
  EXPECT_THAT(refused.why(), HasSubstr("no CA of ours"));
  put("ca.crt", theirs.certificate_pem + authority_.certificate_pem);
  SessionOptions options;
  options.hello.node = "node-1";
  Session session(options, **transport);
  FakeWorker worker(session.sink());
  auto ended = std::async(std::launch::async, [&] { return session.run(worker); });
  TestRun run(fleet);
  EXPECT_TRUE(run.until_joined());
  fleet.stop("");
  EXPECT_TRUE(ended.get());
}

TEST_F(SecuredTest, agents_without_a_right_token_are_refused_told_why_and_counted) {
  Fleet fleet(options());
  ASSERT_TRUE(fleet.listen(target_));
  const auto no_right = [](const Status& ended) { return ended ? "it ended well" : ended.error().message; };

  EXPECT_THAT(no_right(session_of("node-2", security())), HasSubstr("the token is not that of node-2"));
  EXPECT_THAT(fleet.refusals().at("node-2"), HasSubstr("the token is not that of node-2"));
  auto without = security();
  without.token_file.clear();
  EXPECT_THAT(no_right(session_of("node-1", without)), HasSubstr("it brought no token"));
  put("token", "nobody knows");
  EXPECT_THAT(no_right(session_of("node-1", security())), HasSubstr("the API server does not answer"));
  EXPECT_EQ(fleet.counters().refused_tokens, 1U);
  EXPECT_EQ(fleet.counters().missing_tokens, 1U);
  EXPECT_EQ(fleet.counters().unchecked_tokens, 1U);

  without.token_file = file("no-such-file");
  EXPECT_THAT(refusal(without), HasSubstr("token for the controller: open " + file("no-such-file")));
  EXPECT_TRUE(fleet.agents().empty());
}

TEST_F(SecuredTest, an_agent_whose_token_is_looked_at_forever_holds_up_nobody) {
  std::promise<void> end;
  auto slow = options();
  slow.admit = [ended = end.get_future().share()](const std::string&, const std::string& node) -> Status {
    if (node == "slow") ended.wait();
    return {};
  };
  Fleet fleet(slow);
  ASSERT_TRUE(fleet.listen(target_));
  auto first = std::async(std::launch::async, [this] { return session_of("slow", security()); });
  auto second = std::async(std::launch::async, [this] { return session_of("node-1", security()); });
  TestRun run(fleet);
  EXPECT_TRUE(run.until_joined());
  EXPECT_EQ(fleet.agents(), std::vector<std::string>{"node-1"});
  end.set_value();
  EXPECT_TRUE(run.until_joined(2));
  fleet.stop("");
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
}

TEST_F(SecuredTest, nothing_is_said_in_plain_text_over_tcp_unless_it_is_a_labs) {
  FleetOptions plain;
  Fleet fleet(plain);
  const auto refused = fleet.listen(target_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidInput);
  EXPECT_THAT(refused.error().message, HasSubstr("without TLS"));
  const auto transport = session::make_grpc_transport(target_);
  ASSERT_FALSE(transport);
  EXPECT_THAT(transport.error().message, HasSubstr("name the CA of the controller's certificate with --ca"));

  plain.security.plaintext_lab = true;
  Fleet lab(plain);
  ASSERT_TRUE(lab.listen(target_));
  TransportSecurity lab_security;
  lab_security.plaintext_lab = true;
  auto ended = std::async(std::launch::async, [&] { return session_of("node-1", lab_security); });
  TestRun run(lab);
  EXPECT_TRUE(run.until_joined());
  lab.stop("");
  EXPECT_TRUE(ended.get());
}

TEST_F(SecuredTest, a_plain_agent_and_a_tls_listener_do_not_talk) {
  Fleet fleet(options());
  ASSERT_TRUE(fleet.listen(target_));
  TransportSecurity plain;
  plain.plaintext_lab = true;
  EXPECT_NE(refusal(plain), "nothing happened");
  EXPECT_TRUE(fleet.agents().empty());
}

TEST_F(SecuredTest, a_listener_names_the_file_that_is_of_no_use) {
  auto wrong = options();
  wrong.security.key_file = file("none.key");
  EXPECT_THAT(Fleet(wrong).listen(target_).error().message, HasSubstr("none.key: No such file"));
  put("empty.key", "x");
  wrong.security.key_file = file("empty.key");
  EXPECT_THAT(Fleet(wrong).listen(target_).error().message, HasSubstr("empty.key holds nothing in PEM"));
  put("other.key", tests::issue(authority_, {}).key_pem);
  wrong.security.key_file = file("other.key");
  EXPECT_THAT(Fleet(wrong).listen(target_).error().message, HasSubstr("are no certificate and its key"));
}

}  // namespace
}  // namespace conntruth::fleet
