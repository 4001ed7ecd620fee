#pragma once
// The program: follows a world file and keeps one node's dataplane and report in step with it until SIGTERM or SIGINT,
// on which its tables go. SIGHUP writes all rules anew (after somebody else changed them on purpose). All wiring is
// here.

#include <string>
#include <vector>

#include "common/address.hpp"

namespace conntruth::lab_proxy {

struct AppOptions {
  std::string node;
  std::string world_path;
  std::string report_path;
  std::vector<Prefix> cluster_ip_ranges;
  bool once = false;  // apply the file as it is, leave the rules, end
};

// Exit code of the program: 0 after a signal, or when `once` succeeded; 1 with a line on stderr.
[[nodiscard]] int run(const AppOptions& options);

}  // namespace conntruth::lab_proxy
