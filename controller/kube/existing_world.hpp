#pragma once
// The Services that a cluster has, with their EndpointSlices and Nodes, as a World. Only lists are read.
// Errors: those of Client; kInvalidInput for an object that cannot be read, with its name. An endpoint on a node that
// the API does not have any more loses its node's name. Threading: blocks its caller.

#include "common/result.hpp"
#include "common/world/existing.hpp"
#include "kube/client.hpp"

namespace conntruth::kube {

[[nodiscard]] Result<world::Existing> read_existing_world(Client& client, SteadyTime deadline);

}  // namespace conntruth::kube
