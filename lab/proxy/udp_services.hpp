#pragma once
// Which UDP conntrack entries are stale. A UDP "flow" keeps its translation as long as packets come, so an entry made
// for an endpoint that is gone, or before the Service had one, would lead all later packets of that flow astray. Pure.
//
// An entry to an address and port of a Service is stale unless its answers come from a current endpoint (ready or
// serving, so that a terminating endpoint keeps its flows until it stops serving). What is translated wrongly and what
// was never translated look alike that way: the reply's source is no endpoint. Source: the reply tuple of ctnetlink,
// RFC 768 flows.

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/world/world.hpp"
#include "lab/proxy/endpoint_selection.hpp"

namespace conntruth::lab_proxy {

struct UdpServices {
  using Endpoints = std::set<SocketAddress>;
  std::map<SocketAddress, Endpoints> addresses;  // cluster, external and balancer addresses
  std::map<std::pair<Family, std::uint16_t>, Endpoints> node_ports;
  bool operator==(const UdpServices&) const = default;
};
[[nodiscard]] UdpServices udp_services_of(const world::World& world, const Place& place);

struct UdpFlow {
  SocketAddress destination;   // where the first packet was sent
  SocketAddress reply_source;  // where conntrack expects the answer from
};

struct StaleRule {
  const UdpServices& before;  // a Service that went away leaves nothing but this memory
  const UdpServices& now;
  std::set<IpAddress> own_addresses;      // of the node: only there are node ports this proxy's
  std::vector<Prefix> cluster_ip_ranges;  // entries to an address in them that no Service has are stale as well

  [[nodiscard]] bool is_stale(const UdpFlow& flow) const;
};

}  // namespace conntruth::lab_proxy
