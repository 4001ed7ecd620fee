#include "agent/app.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "agent/capabilities.hpp"
#include "agent/node_worker.hpp"
#include "agent/session/session.hpp"
#include "agent/session/transport.hpp"
#include "agent/stop_signals.hpp"

namespace conntruth::agent {

namespace {

Hello make_hello(const AppOptions& options) {
  Hello hello;
  hello.node = options.node;
  hello.agent_version = CONNTRUTH_VERSION;
  hello.protocol_version = codec::kProtocolVersion;
  hello.capabilities = probe::Engine::capabilities();
  utsname system{};
  if (uname(&system) == 0) hello.kernel_release = system.release;
  for (const auto& [name, path] : options.places) hello.places.push_back(name);
  return hello;
}

}  // namespace

Status add_place(const std::string& text, std::map<NamespaceName, std::string>& places) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return fail(ErrorCode::kInvalidInput, "--place " + text + ": not of the form NAME=PATH");
  }
  const auto name = text.substr(0, equals);
  if (!places.emplace(name, text.substr(equals + 1)).second) {
    return fail(ErrorCode::kInvalidInput, "--place " + name + " is given twice");
  }
  return {};
}

Status run(const AppOptions& options) {
  if (auto allowed = check_capabilities(!options.places.empty()); !allowed) return allowed;
  for (const auto& [name, path] : options.places) {
    if (access(path.c_str(), R_OK) != 0) return fail_errno(fmt::format("--place {}: open {}", name, path), errno);
  }
  session::SessionOptions session_options;
  session_options.hello = make_hello(options);
  session_options.give_up_after = options.give_up_after;
  session_options.log = [](const std::string& line) { spdlog::info("{}", line); };

  // The transport's threads must start with the signals blocked, so they are watched before it is made.
  session::Session* ending = nullptr;
  std::mutex ending_mutex;
  bool stopped_early = false;
  auto signals = StopSignals::watch([&] {
    const std::lock_guard lock(ending_mutex);
    stopped_early = true;
    if (ending != nullptr) ending->request_stop();
  });
  if (!signals) return std::unexpected(signals.error());
  const auto transport = session::make_grpc_transport(options.controller, options.security);
  if (!transport) return std::unexpected(transport.error());
  session::Session session(std::move(session_options), **transport);
  {
    const std::lock_guard lock(ending_mutex);
    ending = &session;
    if (stopped_early) session.request_stop();
  }
  NodeWorker worker(options.places, {options.budget, options.awaited}, session.sink());
  auto ended = session.run(worker);
  const std::lock_guard lock(ending_mutex);
  ending = nullptr;
  return ended;
}

}  // namespace conntruth::agent
