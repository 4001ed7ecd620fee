#include "tests/lab/cluster_agent/cluster_lab.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/io/netns.hpp"
#include "controller/kube/agent_admission.hpp"
#include "kube/access.hpp"
#include "lab/kubernetes/programs.hpp"

namespace conntruth::agent::test {

using kube::Resource;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr auto kSpace = "conntruth-system";
constexpr auto kName = "conntruth-controller.conntruth-system.svc";
constexpr Resource kAccounts{"", "v1", "serviceaccounts", "ServiceAccount", true};

std::string named(const std::string& name) { return json{{"metadata", {{"name", name}}}}.dump(); }

// Until `done`, a minute at most; false where that passed.
template <typename Done>
bool within_a_minute(Done done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    poll(nullptr, 0, 20);
  }
  return true;
}

}  // namespace

void ClusterLab::put(const std::string& name, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(file(name)).parent_path());
  std::ofstream(file(name)) << text;
}

void ClusterLab::SetUpTestSuite() {
  if (geteuid() != 0) {
    skip_ = "a lab needs root";
    return;
  }
  const auto programs = lab::Programs::look("");
  const auto server = programs ? programs->find("kube-apiserver", "", "") : std::unexpected(programs.error());
  if (!server) {
    skip_ = server.error().message;
    return;
  }
  name_ = fmt::format("t-agent-{}", getpid());
  directory_ = fmt::format("/tmp/conntruth-cluster-agent-{}", getpid());
  std::filesystem::create_directories(file("state"));
  set_up_lab();
  if (!client_) return;
  set_up_rights();
  set_up_pods();
}

void ClusterLab::set_up_lab() {
  lab::LabSpec spec;
  spec.name = name_;
  spec.nodes = 1;
  spec.kubernetes = lab::KubernetesSpec{};
  spec.proxy = "kube-proxy:nftables";
  auto up = lab::Lab::up(spec);
  ASSERT_TRUE(up) << up.error().message;
  lab_ = std::make_unique<lab::Lab>(std::move(*up));
  const auto reached = lab_->kubernetes();
  kube::AccessQuery query;
  query.kubeconfig = reached->kubeconfig;
  query.network_namespace = reached->netns;
  auto access = kube::find_access(query);
  ASSERT_TRUE(access) << access.error().message;
  put("account/ca.crt", access->ca_pem);
  auto client = kube::Client::make(*access, {});
  ASSERT_TRUE(client) << client.error().message;
  client_ = std::move(*client);
  authority_ = std::make_unique<tests::Certificate>(tests::make_authority("conntruth"));
  put("tls/ca.crt", authority_->certificate_pem);
  const auto server = tests::issue(*authority_, {.names = {fmt::format("DNS:{}", kName)}});
  put("controller/tls.crt", server.certificate_pem);
  put("controller/tls.key", server.key_pem);
}

// What the manifests grant and nothing else.
void ClusterLab::set_up_rights() {
  make(kube::create(kube::kNamespaces, {}, kSpace, named(kSpace)));
  make(kube::create(kAccounts, kSpace, "conntruth-agent", named("conntruth-agent")));
  const auto kubectl = lab::Programs::look("")->find("kubectl", "", "");
  ASSERT_TRUE(kubectl);
  const auto applied =
      lab_->run("fabric", {.argv = {kubectl->path, "--kubeconfig", lab_->kubernetes()->kubeconfig, "apply", "-f",
                                    CONNTRUTH_SOURCE_DIR "/deploy/kustomize/base/agent-rbac.yaml", "-f",
                                    CONNTRUTH_SOURCE_DIR "/deploy/kustomize/base/api-server-rbac.yaml"},
                           .pod = {},
                           .output_path = file("kubectl.log")});
  ASSERT_TRUE(applied && *applied == 0) << "see " << file("kubectl.log");
}

void ClusterLab::set_up_pods() {
  const auto pod_on_node = [](const std::string& name, const std::string& component) {
    const json labels = {{"app.kubernetes.io/name", "conntruth"}, {"app.kubernetes.io/component", component}};
    const json spec = {{"nodeName", "node-1"},
                       {"serviceAccountName", "conntruth-agent"},
                       {"containers", {{{"name", "x"}, {"image", "none"}}}}};
    return make(kube::create(kube::kPods, kSpace, name,
                             json{{"metadata", {{"name", name}, {"labels", labels}}}, {"spec", spec}}.dump()));
  };
  for (unsigned i = 0; i < 2; ++i) {
    const auto name = fmt::format("conntruth-anchor-{}-abcde", i);
    pod_on_node(name, "anchor");
    const json addresses = {{{"ip", fmt::format("10.244.1.{}", 10 + i)}},
                            {{"ip", fmt::format("fd44:0:0:1::{:x}", 10 + i)}}};
    make(kube::merge(kube::kPods, kSpace, name, "status", json{{"status", {{"podIPs", addresses}}}}.dump()));
  }
  const auto agent = pod_on_node("conntruth-agent-abcde", "agent");
  put("account/token", token("https://kubernetes.default.svc", agent));
  put("account/namespace", kSpace);
  put("token", token("conntruth", agent));
}

std::string ClusterLab::token(const std::string& audience, const std::string& pod) {
  const auto meta = json::parse(pod).at("metadata");
  const json bound = {{"kind", "Pod"}, {"apiVersion", "v1"}, {"name", meta["name"]}, {"uid", meta["uid"]}};
  auto request = kube::create(kAccounts, kSpace, "conntruth-agent",
                              json{{"spec", {{"audiences", {audience}}, {"boundObjectRef", bound}}}}.dump());
  request.path += "/conntruth-agent/token";
  return json::parse(make(request)).at("status").at("token");
}

void ClusterLab::TearDownTestSuite() {
  client_.reset();
  if (lab_) {
    const auto removed = lab::Lab::down(name_);
    EXPECT_TRUE(removed) << removed.error().message;
  }
  lab_.reset();
  std::error_code error;
  std::filesystem::remove_all(directory_, error);
}

void ClusterLab::SetUp() {
  if (!skip_.empty()) GTEST_SKIP() << skip_;
  ASSERT_TRUE(client_) << "the lab did not come up";
  for (unsigned i = 0; i < 2; ++i) start_anchor(i);
}

void ClusterLab::TearDown() {
  if (!client_) return;
  if (agent_ > 0) end(std::exchange(agent_, -1));
  for (const auto anchor : std::exchange(anchors_, {})) end(anchor);
  call_off();
  if (HasFailure()) std::fprintf(stderr, "the agent said:\n%s", log().c_str());
}

std::string ClusterLab::make(const kube::Request& request) {
  const auto made = client_->call(request);
  EXPECT_TRUE(made) << made.error().message;
  return made ? made->body : std::string("{}");
}

void ClusterLab::call_for_agents(const std::string& run, const std::string& address) {
  const json lease = {
      {"metadata", {{"name", "conntruth-controller"}, {"annotations", {{"conntruth.io/agents", address}}}}},
      {"spec", {{"holderIdentity", run}, {"leaseDurationSeconds", 30}, {"renewTime", "2026-01-02T03:04:05.000000Z"}}}};
  make(kube::create(kube::kLeases, kSpace, "conntruth-controller", lease.dump()));
}

void ClusterLab::call_off() {
  const auto removed = client_->call(kube::remove(kube::kLeases, kSpace, "conntruth-controller"));
  EXPECT_TRUE(removed || removed.error().code == ErrorCode::kNotFound);
}

std::unique_ptr<fleet::Fleet> ClusterLab::listen() {
  fleet::FleetOptions options;
  options.security = {file("controller/tls.crt"), file("controller/tls.key"), false};
  options.admit = [](const std::string& token, const std::string& node) {
    return kube::admit_agent(*client_, {}, token, node);
  };
  auto fleet = std::make_unique<fleet::Fleet>(options);
  // Its sockets belong to the namespace that they are made in.
  const auto listening = io::in_network_namespace(lab_->kubernetes()->netns, [&] { return fleet->listen(address()); });
  EXPECT_TRUE(listening) << listening.error().message;
  return fleet;
}

void ClusterLab::start_anchor(unsigned ordinal) {
  const auto started = lab_->start(
      "node-1", {.argv = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
                          CONNTRUTH_BIN_DIR "/conntruth-anchor", std::to_string(ordinal)},
                 .pod = fmt::format("node-1-pod-{}", ordinal),
                 .output_path = {},
                 .die_with_caller = true});
  ASSERT_TRUE(started) << started.error().message;
  anchors_.push_back(*started);
  // It is one once its program runs.
  ASSERT_TRUE(within_a_minute([pid = *started] {
    std::ifstream name(fmt::format("/proc/{}/comm", pid));
    std::string text;
    return std::getline(name, text) && text.starts_with("conntruth-ancho");
  }));
}

void ClusterLab::start_agent(const std::string& node) {
  std::error_code error;
  std::filesystem::remove(file("agent.log"), error);
  const auto started = lab_->start("node-1", {.argv = {"/usr/bin/env",
                                                       "KUBERNETES_SERVICE_HOST=10.96.0.1",
                                                       "KUBERNETES_SERVICE_PORT=443",
                                                       "NODE_NAME=" + node,
                                                       "/usr/bin/setpriv",
                                                       "--bounding-set=-all,+net_raw,+net_admin,+sys_admin,+sys_ptrace",
                                                       "--inh-caps=-all",
                                                       "--no-new-privs",
                                                       CONNTRUTH_BIN_DIR "/conntruth-agent",
                                                       "--cluster",
                                                       "--service-account",
                                                       file("account"),
                                                       "--ca",
                                                       file("tls/ca.crt"),
                                                       "--token",
                                                       file("token"),
                                                       "--state",
                                                       file("state"),
                                                       "--give-up",
                                                       "5"},
                                              .pod = {},
                                              .output_path = file("agent.log"),
                                              .die_with_caller = true});
  ASSERT_TRUE(started) << started.error().message;
  agent_ = *started;
}

void ClusterLab::end(pid_t process) {
  kill(process, SIGKILL);
  waitpid(process, nullptr, 0);
}

int ClusterLab::agent_ended() {
  int status = 0;
  waitpid(std::exchange(agent_, -1), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ClusterLab::in_node(const std::string& command) const {
  const auto ended = lab_->run("node-1", {.argv = {"/bin/sh", "-c", "PATH=$PATH:/usr/sbin:/sbin; " + command},
                                          .pod = {},
                                          .output_path = file("node.log")});
  return ended ? *ended : -1;
}

std::string ClusterLab::log() const {
  std::ifstream log(file("agent.log"));
  return {std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>()};
}

bool ClusterLab::logged(const std::string& text) const {
  return within_a_minute([&] { return log().contains(text); });
}

}  // namespace conntruth::agent::test
