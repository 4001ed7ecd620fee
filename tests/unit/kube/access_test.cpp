// Kubeconfigs, service accounts and exec plug-ins, right and wrong.
#include "kube/access.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "kube/exec_plugin.hpp"
#include "tests/unit/kube/fixture.hpp"

namespace conntruth::kube {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class AccessFiles : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string put(const std::string& name, const std::string& text) const {
    const auto path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  [[nodiscard]] static Result<Access> read(const std::string& path, const std::string& context = {}) {
    AccessQuery query;
    query.kubeconfig = path;
    query.context = context;
    return find_access(query);
  }
  // The message for a kubeconfig whose cluster or user has this one line more.
  [[nodiscard]] std::string refusal(const std::string& cluster_line, const std::string& user_line = "token: t") const {
    const auto access = read(put("bad", fmt::format(R"(apiVersion: v1
kind: Config
current-context: lab
contexts: [{{name: lab, context: {{cluster: c, user: u}}}}]
clusters:
- name: c
  cluster:
    server: https://127.0.0.1:6443
    {}
users:
- name: u
  user:
    {}
)",
                                                    cluster_line, user_line)));
    return access ? "" : access.error().message;
  }
  std::string folder_ = testing::TempDir() + "conntruth-access-" + std::to_string(::getpid());
};

constexpr auto kWhole = R"(apiVersion: v1
kind: Config
current-context: lab
contexts:
- {name: lab, context: {cluster: c, user: u, namespace: tests}}
- {name: other, context: {cluster: d, user: v}}
clusters:
- {name: c, cluster: {server: "https://[fd00::1]:6443/prefix/", certificate-authority: ca.pem, tls-server-name: kubernetes}}
- {name: d, cluster: {server: "https://d.example", insecure-skip-tls-verify: true}}
users:
- {name: u, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}
- {name: v, user: {tokenFile: token}}
)";

TEST_F(AccessFiles, a_kubeconfig_with_files_beside_it) {
  (void)put("ca.pem", "AUTHORITY");
  const auto path = put("config", kWhole);
  const auto access = read(path);
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->host, "fd00::1");
  EXPECT_EQ(access->port, 6443);
  EXPECT_EQ(access->path_prefix, "/prefix");
  EXPECT_EQ(access->ca_pem, "AUTHORITY");
  EXPECT_EQ(access->tls_server_name, "kubernetes");
  EXPECT_EQ(access->client_certificate_pem, "CERT");
  EXPECT_EQ(access->client_key_pem, "KEY");
  EXPECT_EQ(access->namespace_name, "tests");
  EXPECT_EQ(access->origin, path + ", context lab");
  const auto other = read(path, "other");
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(other->port, 443);
  EXPECT_TRUE(other->skip_tls_verify);
  EXPECT_EQ(other->token_file, folder_ + "/token");
}

TEST_F(AccessFiles, the_first_of_several_files_wins) {
  const auto first = put("first", "current-context: lab\nusers: [{name: u, user: {token: mine}}]\n");
  (void)put("ca.pem", "AUTHORITY");
  const auto second = put("second", kWhole);
  AccessQuery query;
  query.kubeconfig_env = first + ":" + folder_ + "/missing:" + second;
  const auto access = find_access(query);
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->token, "mine");
  EXPECT_EQ(access->ca_pem, "AUTHORITY");
}

TEST_F(AccessFiles, mistakes_name_file_line_entry_and_remedy) {
  EXPECT_THAT(refusal("proxy-url: socks5://x"),
              AllOf(HasSubstr("bad:9: cluster c: cluster.proxy-url"), HasSubstr("not supported")));
  EXPECT_THAT(refusal("certificate-authority: none.pem"), AllOf(HasSubstr("bad:9: cluster c"), HasSubstr("none.pem")));
  EXPECT_THAT(refusal("certificate-authority-data: '!'"), HasSubstr("is no base64"));
  EXPECT_THAT(refusal("insecure-skip-tls-verify: maybe"),
              HasSubstr("bad:9: cluster c: cluster.insecure-skip-tls-verify"));
  EXPECT_THAT(refusal("", "auth-provider: {name: gcp}"), HasSubstr("user u: user.auth-provider"));
  EXPECT_THAT(refusal("", "{username: a, password: b}"), HasSubstr("use a token or a certificate"));
  EXPECT_THAT(refusal("", "client-key-data: S0VZ"), HasSubstr("needs client-certificate and client-key together"));
  EXPECT_THAT(refusal("", "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"),
              HasSubstr("exec.apiVersion"));
  EXPECT_THAT(refusal("", "token: 12345"), HasSubstr("write \"12345\" in quotes"));
  EXPECT_EQ(refusal("", "token: '12345'"), "");
}

TEST_F(AccessFiles, names_that_do_not_exist_are_listed_beside_those_that_do) {
  (void)put("ca.pem", "AUTHORITY");
  const auto path = put("config", kWhole);
  EXPECT_THAT(read(path, "nope").error().message, HasSubstr(R"(context "nope" is not among the contexts: lab, other)"));
  EXPECT_THAT(read(put("none", "kind: Config\n")).error().message, HasSubstr("no current-context"));
  EXPECT_THAT(read(put("dangling", "contexts: [{name: a, context: {cluster: b}}]"), "a").error().message,
              HasSubstr("context a: cluster \"b\" is not among the clusters: there are none"));
  EXPECT_THAT(read(folder_ + "/missing").error().message, HasSubstr("missing cannot be read"));
}

TEST_F(AccessFiles, servers_that_are_none) {
  for (const auto* server :
       {"127.0.0.1:6443", "ftp://x", "https://", "https://x:0", "https://x:70000", "https://[::1", "https://a@b"}) {
    const auto access = read(put("s", fmt::format("contexts: [{{name: a, context: {{cluster: b}}}}]\n"
                                                  "clusters: [{{name: b, cluster: {{server: '{}'}}}}]\n",
                                                  server)),
                             "a");
    ASSERT_FALSE(access) << server;
    EXPECT_THAT(access.error().message,
                AllOf(HasSubstr("s:2: cluster b: cluster.server"), HasSubstr("write https://HOST")))
        << server;
  }
}

TEST_F(AccessFiles, a_pod_uses_its_service_account) {
  AccessQuery query;
  query.home = folder_;
  query.service_host = "fd00::1";
  query.service_port = "6443";
  query.service_account = folder_ + "/account";
  EXPECT_THAT(find_access(query).error().message, HasSubstr("account/ca.crt"));
  (void)put("account/ca.crt", "AUTHORITY");
  (void)put("account/token", "t");
  (void)put("account/namespace", "tests");
  const auto access = find_access(query);
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->host, "fd00::1");
  EXPECT_EQ(access->port, 6443);
  EXPECT_EQ(access->namespace_name, "tests");
  query.service_host.clear();
  EXPECT_THAT(find_access(query).error().message, HasSubstr("name a kubeconfig"));
}

class Plugin : public AccessFiles {
 protected:
  [[nodiscard]] Result<PluginCredential> run(const std::string& script,
                                             std::chrono::milliseconds limit = std::chrono::seconds(10)) const {
    Access access;
    access.exec = ExecPlugin{"/bin/sh", {"-c", script}, {{"WHO", "me"}}, "client.authentication.k8s.io/v1", "", false};
    return run_plugin(access, std::chrono::steady_clock::now() + limit);
  }
  static std::string credential(const std::string& status) {
    return fmt::format(
        R"({{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}})", status);
  }
};

TEST_F(Plugin, gives_a_token_until_its_end) {
  const auto got =
      run("echo \"" + credential(R"({\"token\":\"$WHO\",\"expirationTimestamp\":\"2026-01-01T00:00:00Z\"})") + "\"");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->token, "me");
  EXPECT_EQ(got->expires, std::chrono::sys_days{std::chrono::January / 1 / 2026});
}

TEST_F(Plugin, learns_what_is_asked_of_it) {
  const auto got = run(R"(case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) exit 3;; esac)");
  EXPECT_THAT(got.error().message, HasSubstr("exit code 3"));
}

TEST_F(Plugin, failures_are_named) {
  EXPECT_THAT(run("echo not logged in >&2; exit 1").error().message,
              HasSubstr("exec plug-in /bin/sh: ended with exit code 1: not logged in"));
  EXPECT_THAT(run("echo hello").error().message, HasSubstr("no JSON object"));
  EXPECT_THAT(run("echo \"" + credential("{}") + "\"").error().message, HasSubstr("neither token nor"));
  EXPECT_THAT(run("exec sleep 1000", std::chrono::milliseconds(50)).error().message, HasSubstr("was killed"));
  Access access;
  access.exec =
      ExecPlugin{"/no/such/plugin", {}, {}, "client.authentication.k8s.io/v1", "get it from example.org", false};
  EXPECT_THAT(run_plugin(access, std::chrono::steady_clock::now() + std::chrono::seconds(10)).error().message,
              HasSubstr("get it from example.org"));
}

TEST_F(Plugin, runs_again_after_401) {
  const tests::ScriptedServer server([](const tests::ServedRequest& request) {
    return request.headers.at("authorization") == "Bearer 2" ? tests::Answer{200, "{}"} : tests::Answer{401, "{}"};
  });
  const auto count = put("count", "");
  auto access = plain(server);
  access.exec = ExecPlugin{"/bin/sh",
                           {"-c", "echo x >>" + count + "; N=$(($(wc -l <" + count + "))); echo \"" +
                                      credential(R"({\"token\":\"$N\"})") + "\""},
                           {},
                           "client.authentication.k8s.io/v1",
                           "",
                           false};
  const auto client = client_of(access);
  for (int i = 0; i < 3; ++i) {
    const auto response = client->call(get(kNodes, {}, "n"));
    ASSERT_TRUE(response) << response.error().message;
  }
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST(ParseTime, takes_what_the_api_writes) {
  const auto noon = std::chrono::sys_days{std::chrono::March / 2 / 2026} + std::chrono::hours(12);
  for (const auto* text : {"2026-03-02T12:00:00Z", "2026-03-02T12:00:00.123456Z", "2026-03-02T14:00:00+02:00",
                           "2026-03-02T11:30:00-00:30"})
    EXPECT_EQ(parse_time(text), noon) << text;
  for (const auto* text : {"", "2026-03-02", "2026-03-02T12:00:00", "2026-03-02T12:00:00+2"})
    EXPECT_FALSE(parse_time(text)) << text;
}

}  // namespace
}  // namespace conntruth::kube
