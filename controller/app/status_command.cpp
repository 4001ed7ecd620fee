// show_installation(): what the API tells of an install, and what its controller tells of runs.
#include <fmt/core.h>

#include <chrono>
#include <optional>

#include "controller/app/install_command.hpp"
#include "controller/app/remote_commands.hpp"
#include "controller/install/installation_text.hpp"

namespace conntruth::app {
namespace {

std::string verdict_of(const RemoteRun& run) {
  if (run.state != "complete" && run.state != "partial") return {};
  if (!run.exit_code) return "its result cannot be read: " + run.exit_code.error().message;
  switch (*run.exit_code) {
    case 0:
      return "pass";
    case 2:
      return "fail";
    case 3:
      return "nothing runnable";
    default:
      return "not complete";
  }
}

// A controller that does not answer is a problem; whoever may not ask it is told so.
void add_last_run(const ClusterTarget& target, install::Installation& into) {
  if (!into.controller || !into.controller->ready) return;
  const auto run = newest_remote_run(target);
  if (run) {
    const std::optional<RemoteRun>& newest = *run;
    if (newest) into.last_run = install::LastRun{newest->id, newest->state, verdict_of(*newest)};
    return;
  }
  auto& where = run.error().code == ErrorCode::kPermission ? into.not_seen : into.problems;
  where.push_back(fmt::format("the controller's runs: {}", run.error().message));
}

}  // namespace

Result<int> show_installation(const StatusRequest& request) {
  if (request.cluster.system_namespace != install::kSystemNamespace)
    return fail(ErrorCode::kInvalidInput,
                fmt::format("--namespace: conntruth is installed into {} alone; leave the flag away",
                            install::kSystemNamespace));
  const auto cluster = open_cluster(request.cluster, {});
  if (!cluster) return std::unexpected(cluster.error());
  const auto facts = install::read_facts(*cluster->client, std::chrono::system_clock::now());
  if (!facts) return std::unexpected(facts.error());
  auto installation = install::assess(*facts, cluster->where);
  add_last_run(request.cluster, installation);
  if (is_document(request.format)) {
    print_document(as_json(installation), request.format);
  } else {
    fmt::print("{}", as_text(installation));
  }
  return installation.exit_code();
}

}  // namespace conntruth::app
