#pragma once
// Which endpoints of one Service port take new flows that reach one node, for one address family.
//
// Rules (kube-proxy's endpoint selection, KEP-1669, KEP-2433, KEP-3015):
//   cluster: the ready ones, narrowed by hints for this node, else by hints for its zone, if every ready endpoint
//            carries such hints and one of them matches; without any ready one, those that are serving and terminating.
//   local:   the ready ones on this node; without any, those on this node that are serving and terminating.
//   current: all that are ready or serving: a UDP flow to one of them is not stale.
// The two fallbacks are decided apart. All sets are sorted and free of duplicates. Threading: pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/world/world.hpp"

namespace conntruth::lab_proxy {

// Where the proxy runs.
struct Place {
  std::string node;
  std::optional<std::string> zone;
};

// One endpoint of one Service port.
struct Backend {
  SocketAddress target;
  bool ready = false;
  bool serving = false;
  bool terminating = false;
  bool local = false;
  std::vector<std::string> zone_hints;
  std::vector<std::string> node_hints;
};

struct Selection {
  std::vector<SocketAddress> cluster;
  std::vector<SocketAddress> local;
  std::vector<SocketAddress> current;
  bool operator==(const Selection&) const = default;
};

// The slices of a world by Service; keeps pointers into the world, which must outlive it.
class SliceIndex {
 public:
  explicit SliceIndex(const world::World& world);
  // What the slices of that family publish for the port of that name and protocol. An address and port published twice
  // counts once, in the better of its conditions.
  [[nodiscard]] std::vector<Backend> backends(const world::Service& service, const world::ServicePort& port,
                                              Family family, std::string_view node) const;

 private:
  std::unordered_map<std::string, std::vector<const world::EndpointSlice*>> slices_;
};

[[nodiscard]] Selection select(const std::vector<Backend>& backends, const Place& place);

}  // namespace conntruth::lab_proxy
