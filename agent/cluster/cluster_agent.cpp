#include "agent/cluster/cluster_agent.hpp"

namespace conntruth::agent {

Status run_in_cluster(const ClusterOptions& options) {
  return fail(ErrorCode::kUnsupported, "node " + options.node + ": following the controller's Lease is not there yet");
}

}  // namespace conntruth::agent
