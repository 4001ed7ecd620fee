#include "agent/app.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "agent/capabilities.hpp"
#include "agent/node_run.hpp"
#include "agent/stop_signals.hpp"

namespace conntruth::agent {

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
  if (auto allowed = check_capabilities(options.places.empty() ? Duty::kNodeOnly : Duty::kPlaces); !allowed) {
    return allowed;
  }
  for (const auto& [name, path] : options.places) {
    if (access(path.c_str(), R_OK) != 0) return fail_errno(fmt::format("--place {}: open {}", name, path), errno);
  }
  // The transport's threads must start with the signals blocked, so they are watched before it is made.
  NodeRun* ending = nullptr;
  std::mutex ending_mutex;
  bool stopped_early = false;
  auto signals = StopSignals::watch([&] {
    const std::lock_guard lock(ending_mutex);
    stopped_early = true;
    if (ending != nullptr) ending->request_stop();
  });
  if (!signals) return std::unexpected(signals.error());
  const auto node = NodeRun::make(options);
  if (!node) return std::unexpected(node.error());
  {
    const std::lock_guard lock(ending_mutex);
    ending = node->get();
    if (stopped_early) ending->request_stop();
  }
  auto ended = (*node)->serve();
  const std::lock_guard lock(ending_mutex);
  ending = nullptr;
  return ended;
}

}  // namespace conntruth::agent
