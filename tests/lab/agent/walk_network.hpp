#pragma once
// The packet walk over a Network: the router is its node, client and server are its places.

#include "agent/observe/walk.hpp"
#include "tests/lab/agent/network.hpp"

namespace conntruth::tests {

// `options.places` are set here. Errors as of PacketWalk::attach().
[[nodiscard]] Result<observe::PacketWalk> attach_walk(const Network& network, observe::WalkOptions options = {});

}  // namespace conntruth::tests
