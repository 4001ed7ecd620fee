#include "tests/lab/kube_client/api_server.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lab/kubernetes/programs.hpp"
#include "tests/support/certificates.hpp"

namespace conntruth::kube {
namespace {

constexpr auto kAddress = "172.31.99.1";

Result<std::string> server_program() {
  const auto* named = std::getenv("CONNTRUTH_KUBE_BIN");  // NOLINT(concurrency-mt-unsafe)
  const auto programs = lab::Programs::look(named == nullptr ? "" : named);
  if (!programs) return std::unexpected(programs.error());
  const auto found = programs->find("kube-apiserver", "", "");
  if (!found) return std::unexpected(found.error());
  return found->path;
}

Result<std::string> etcd_program() {
  const auto* named = std::getenv("CONNTRUTH_KUBE_BIN");  // NOLINT(concurrency-mt-unsafe)
  const auto programs = lab::Programs::look(named == nullptr ? "" : named);
  if (!programs) return std::unexpected(programs.error());
  return programs->etcd();
}

void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

Status command(const std::string& line) {
  const auto done = support::run_process({"/bin/sh", "-c", line});
  if (done.status == 0) return {};
  return fail(ErrorCode::kInternal, fmt::format("{}: {}", line, done.err));
}

}  // namespace

Status ApiServer::prepare() {
  name_ = fmt::format("conntruth-kube-{}", ::getpid());
  folder_ = fmt::format("{}/{}", std::filesystem::temp_directory_path().string(), name_);
  std::filesystem::create_directories(folder_);
  const auto authority = tests::make_authority("authority");
  const auto server = tests::issue(authority, {.names = {fmt::format("IP:{}", kAddress)}});
  ca_ = authority.certificate_pem;
  put(folder_ + "/server.crt", server.certificate_pem);
  put(folder_ + "/server.key", server.key_pem);
  put(folder_ + "/tokens.csv", "admin,admin,admin,system:masters\nnobody,nobody,nobody,\n");
  return command(
      fmt::format("ip netns add {0} && ip -n {0} link set lo up && ip -n {0} addr add {1}/32 dev lo && "
                  "ip -n {0} addr add fd31:99::1/128 dev lo",
                  name_, kAddress));
}

Result<std::unique_ptr<ApiServer>> ApiServer::start() {
  const auto program = server_program();
  if (!program) return std::unexpected(program.error());
  const auto etcd = etcd_program();
  if (!etcd) return std::unexpected(etcd.error());
  std::unique_ptr<ApiServer> result(new ApiServer());
  if (const auto prepared = result->prepare(); !prepared) return std::unexpected(prepared.error());
  const auto& folder = result->folder_;
  const auto within = [&](const std::string& what, const std::string& log) {
    return std::make_unique<support::Process>(std::vector<std::string>{
        "/bin/sh", "-c", fmt::format("exec ip netns exec {} {} >{}/{}.log 2>&1", result->name_, what, folder, log)});
  };
  result->etcd_ =
      within(fmt::format("{} --data-dir={}/etcd --unsafe-no-fsync --listen-client-urls=http://127.0.0.1:2379 "
                         "--advertise-client-urls=http://127.0.0.1:2379 --listen-peer-urls=http://127.0.0.1:2380 "
                         "--logger=zap --log-level=warn",
                         *etcd, folder),
             "etcd");
  result->server_ = within(
      fmt::format("{0} --etcd-servers=http://127.0.0.1:2379 --service-cluster-ip-range=10.96.0.0/16,fd00:96::/112 "
                  "--bind-address={2} --advertise-address={2} --secure-port=6443 --tls-cert-file={1}/server.crt "
                  "--tls-private-key-file={1}/server.key --token-auth-file={1}/tokens.csv --authorization-mode=RBAC "
                  "--service-account-issuer=https://kubernetes.default.svc --service-account-key-file={1}/server.crt "
                  "--service-account-signing-key-file={1}/server.key --disable-admission-plugins=ServiceAccount",
                  *program, folder, kAddress),
      "apiserver");
  if (const auto ready = result->await(); !ready) return std::unexpected(ready.error());
  return result;
}

Status ApiServer::await() const {
  Request ready = get(kNamespaces, {}, "default");  // is there when the server's own start is done
  const auto api = client();
  const auto deadline = api->deadline_in(std::chrono::seconds(60));
  while (true) {
    const auto answer = api->exchange(ready, deadline);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == 200) return {};
    if (api->default_deadline() > deadline || !api->wait(std::chrono::milliseconds(50), {}))
      return fail(ErrorCode::kUnavailable, fmt::format("kube-apiserver is not ready, see {}/apiserver.log", folder_));
  }
}

std::unique_ptr<Client> ApiServer::client(const std::string& token) const {
  Access access;
  access.origin = "test";
  access.host = kAddress;
  access.port = 6443;
  access.ca_pem = ca_;
  access.token = token;
  access.network_namespace = "/run/netns/" + name_;
  auto made = Client::make(access, {});
  return made ? std::move(*made) : nullptr;
}

ApiServer::~ApiServer() {
  server_.reset();
  etcd_.reset();
  (void)command("ip netns del " + name_);
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

}  // namespace conntruth::kube
