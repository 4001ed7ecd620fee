#pragma once
// Commands that are carried out by the controller of a cluster: results on stdout, progress on stderr and exit codes as
// those of the same command here. Threading: the main thread.

#include <optional>
#include <string>
#include <utility>

#include "common/result.hpp"
#include "controller/app/remote_controller.hpp"
#include "controller/app/run_command.hpp"
#include "controller/app/run_request.hpp"

namespace conntruth::app {

// The exit code of the run. SIGINT and SIGTERM end the run there, and what it has found until then is printed.
[[nodiscard]] Result<int> run_remotely(const ClusterTarget& target, const RunRequest& request, OutputFormat format);
[[nodiscard]] Status cancel_remotely(const ClusterTarget& target, const std::string& run);
// `run` "": the newest.
[[nodiscard]] Result<int> show_remote_run(const ClusterTarget& target, const std::string& run, OutputFormat format);
[[nodiscard]] Status explain_remotely(const ClusterTarget& target, const std::string& run, const std::string& cell,
                                      OutputFormat format);
// The run, the newest where none is named, and the archive of evidence that the controller makes of it; "" where no
// cell failed. `cells`: globs with commas between them.
[[nodiscard]] Result<std::pair<std::string, std::string>> read_remote_bundle(const ClusterTarget& target,
                                                                             const std::string& run,
                                                                             const std::string& cells);
[[nodiscard]] Status list_remote_runs(const ClusterTarget& target, OutputFormat format);

// The newest run that the controller keeps, and what became of it; nothing where there is none.
struct RemoteRun {
  std::string id;
  std::string state;
  Result<int> exit_code = 1;  // of one that is over
};
[[nodiscard]] Result<std::optional<RemoteRun>> newest_remote_run(const ClusterTarget& target);

}  // namespace conntruth::app
