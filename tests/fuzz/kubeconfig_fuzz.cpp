// Any bytes as a kubeconfig, a plug-in's output and a server's address: what is wanted, or one message line.

#include "kube/exec_plugin.hpp"
#include "kube/kubeconfig.hpp"
#include "tests/fuzz/check.hpp"

using conntruth::fuzz::check;

namespace {
void check_message(const conntruth::Error& error) {
  check(!error.message.empty() && error.message.find('\n') == std::string::npos, "a message is one line");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace kube = conntruth::kube;
  const std::string text(conntruth::fuzz::as_text(data, size));
  const auto access = kube::access_of({{"fuzz.yaml", text}}, "");
  if (access) check(!access->host.empty() && access->port != 0, "a server has a host and a port");
  if (!access) check_message(access.error());
  kube::Access server;
  if (const auto read = kube::read_server(text, server))
    check(!server.host.empty() && server.port != 0, "a host and a port");
  const auto credential = kube::read_exec_credential(text, "client.authentication.k8s.io/v1");
  if (credential)
    check(!credential->token.empty() || !credential->certificate_pem.empty(), "a credential has something");
  (void)kube::parse_time(text);
  return 0;
}
