#pragma once
// The smallest network in which a proxy can be wrong: node-1 with two pods and the proxy under test, and "outside",
// which stands for node-2 with its pods and for a client off the cluster. Both families; ICMP is not rate limited.
//
//   pod_a 10.244.1.10 ─┐                        ┌ 172.31.0.12 (node-2), 10.244.2.10 and .11 (its pods)
//   pod_b 10.244.1.11 ─┴ node-1 172.31.0.11 ────┴ 192.0.2.11 (client)
//
// IPv6: fd44:0:0:1::a and ::b, fd31::b, fd31::c, fd44:0:0:2::a and ::b, 2001:db8:c::b.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/world/world.hpp"
#include "lab/proxy/dataplane.hpp"
#include "tests/lab/proxy/netns.hpp"
#include "tests/lab/proxy/traffic.hpp"

namespace conntruth::lab_proxy::test {

enum class Host { kPodA, kPodB, kNode, kRemoteNode, kRemotePod, kOtherRemotePod, kClient };
[[nodiscard]] IpAddress address_of(Host host, Family family);

class SmallCluster {
 public:
  SmallCluster();

  [[nodiscard]] const Netns& netns(Host host) const;
  // A listener of every protocol at that port (and, once for each family, at port 80 of all addresses beyond).
  void listen(Host host, Family family, std::uint16_t port);
  [[nodiscard]] Outcome probe(Host from, const SocketAddress& target, Protocol protocol, std::uint16_t source_port = 0);
  // The proxy's part, on node-1; a failure fails the test.
  Applied apply(const world::World& world);
  Result<Applied> try_apply(const world::World& world);
  [[nodiscard]] std::string ruleset() const { return node_.sh("nft list ruleset"); }

  Netns node_;
  Netns pod_a_;
  Netns pod_b_;
  Netns outside_;
  Netns beyond_;
  Traffic traffic_;

 private:
  void wire_up();
  void listen_beyond(Family family);
  std::optional<Dataplane> dataplane_;
  std::set<Family> listening_beyond_;
};

// "default/web" with ports 80 of all three protocols ("tcp", "udp", "sctp"; node ports 30080) and one address of every
// kind, in both families: see the functions below. Endpoints at port 8080.
[[nodiscard]] world::World web(const std::vector<Host>& endpoints);
[[nodiscard]] IpAddress cluster_ip(Family family);
[[nodiscard]] IpAddress external_ip(Family family);
[[nodiscard]] IpAddress balancer(Family family);
[[nodiscard]] IpAddress unallocated(Family family);  // in the range of cluster IPs
inline constexpr std::uint16_t kPort = 80;
inline constexpr std::uint16_t kUnusedPort = 81;
inline constexpr std::uint16_t kNodePort = 30080;
inline constexpr std::uint16_t kTargetPort = 8080;

}  // namespace conntruth::lab_proxy::test
