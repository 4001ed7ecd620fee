#pragma once
// `conntruth bundle`: the evidence of a stored run's red cells as files for somebody else. Sends no packets and needs
// no root. Threading: the main thread.

#include <string>
#include <vector>

#include "common/result.hpp"
#include "controller/app/remote_controller.hpp"
#include "controller/bundle/bundle.hpp"

namespace CLI {
class App;
}

namespace conntruth::app {

struct BundleRequest {
  std::string run;                 // "": the newest
  std::vector<std::string> cells;  // globs; empty: those that failed
  std::string target;              // "": "conntruth-RUN.tar", here
};

// Its flags; the caller says what it does.
CLI::App* add_bundle_flags(CLI::App& app, BundleRequest& request);

// Prints where it is and what is missing; where no cell failed it says so and makes nothing.
[[nodiscard]] Status bundle_here(const BundleRequest& request);
// Of a run that a cluster's controller keeps: an archive always.
[[nodiscard]] Status bundle_remotely(const ClusterTarget& target, const BundleRequest& request);

// For the controller's own clients: the archive's bytes, "" where no cell failed. kResource where it would be longer
// than kMostServed.
inline constexpr std::size_t kMostServed = std::size_t{128} << 20U;
[[nodiscard]] Result<std::string> bundle_to_bytes(const store::RunStore& runs, const std::string& run,
                                                  const std::vector<std::string>& cells);

}  // namespace conntruth::app
