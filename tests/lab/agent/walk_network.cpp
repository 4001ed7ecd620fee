#include "tests/lab/agent/walk_network.hpp"

#include <optional>

#include "agent/io/netns.hpp"

namespace conntruth::tests {

Result<observe::PacketWalk> attach_walk(const Network& network, observe::WalkOptions options) {
  std::optional<observe::PacketWalk> walk;
  options.places = {{"client", network.client.path()}, {"server", network.server.path()}};
  const auto done = io::in_network_namespace(network.router.path(), [&]() -> Status {
    auto attached = observe::PacketWalk::attach(options);
    if (!attached) return std::unexpected(attached.error());
    walk.emplace(std::move(*attached));
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return std::move(*walk);
}

}  // namespace conntruth::tests
