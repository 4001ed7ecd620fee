#pragma once
// `conntruth install`, `status` and `uninstall`: the program itself in a cluster. Results on stdout, progress on
// stderr. Errors come back; the caller prints them. Threading: the main thread.

#include <chrono>
#include <cstdint>
#include <string>

#include "common/result.hpp"
#include "controller/app/output_format.hpp"
#include "controller/app/remote_controller.hpp"
#include "controller/install/objects.hpp"

namespace conntruth::app {

enum class DryRun : std::uint8_t { kNone, kClient };

struct InstallRequest {
  ClusterTarget cluster;
  install::InstallOptions options;
  bool wait = true;
  std::chrono::seconds timeout{180};
  DryRun dry_run = DryRun::kNone;
  OutputFormat format = OutputFormat::kTable;
  bool quiet = false;
};

// Exit codes: 0 all is there, and ready where it was waited for; 2 it is there and not ready in time.
[[nodiscard]] Result<int> install_conntruth(const InstallRequest& request);

struct StatusRequest {
  ClusterTarget cluster;
  OutputFormat format = OutputFormat::kTable;
};

// Exit codes: as Installation::exit_code().
[[nodiscard]] Result<int> show_installation(const StatusRequest& request);

struct UninstallRequest {
  ClusterTarget cluster;
  bool force = false;  // also while the Lease says that a run is going on
  std::chrono::seconds timeout{180};
  bool quiet = false;
};

[[nodiscard]] Status uninstall_conntruth(const UninstallRequest& request);

}  // namespace conntruth::app
