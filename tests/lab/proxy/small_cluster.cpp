#include "tests/lab/proxy/small_cluster.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/lab/proxy/proxy_world.hpp"

namespace conntruth::lab_proxy::test {
namespace {

// Links made later inherit these. With duplicate address detection a link asks for no neighbour in its first second.
constexpr const char* kEverywhere = R"(
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.dad_transmits=0 net.ipv4.conf.all.rp_filter=0 \
  net.ipv4.conf.default.rp_filter=0 net.ipv4.icmp_ratemask=0 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
)";

const char* name_of(Host host) {
  return host == Host::kRemotePod || host == Host::kOtherRemotePod || host == Host::kRemoteNode ? "node-2" : "node-1";
}

}  // namespace

IpAddress address_of(Host host, Family family) {
  const bool v4 = family == Family::kIpv4;
  switch (host) {
    case Host::kPodA:
      return ip(v4 ? "10.244.1.10" : "fd44:0:0:1::a");
    case Host::kPodB:
      return ip(v4 ? "10.244.1.11" : "fd44:0:0:1::b");
    case Host::kNode:
      return ip(v4 ? "172.31.0.11" : "fd31::b");
    case Host::kRemoteNode:
      return ip(v4 ? "172.31.0.12" : "fd31::c");
    case Host::kRemotePod:
      return ip(v4 ? "10.244.2.10" : "fd44:0:0:2::a");
    case Host::kOtherRemotePod:
      return ip(v4 ? "10.244.2.11" : "fd44:0:0:2::b");
    case Host::kClient:
      return ip(v4 ? "192.0.2.11" : "2001:db8:c::b");
  }
  return {};
}

IpAddress cluster_ip(Family family) { return ip(family == Family::kIpv4 ? "10.96.0.10" : "fd00:96::a"); }
IpAddress external_ip(Family family) { return ip(family == Family::kIpv4 ? "203.0.113.1" : "2001:db8:e::1"); }
IpAddress balancer(Family family) { return ip(family == Family::kIpv4 ? "198.51.100.1" : "2001:db8:1b::1"); }
IpAddress unallocated(Family family) { return ip(family == Family::kIpv4 ? "10.96.0.99" : "fd00:96::63"); }

SmallCluster::SmallCluster() {
  wire_up();
  node_.in([&] {
    auto opened = Dataplane::open({"node-1", {prefix("10.96.0.0/16"), prefix("fd00:96::/112")}, [] { return 1; }});
    ASSERT_TRUE(opened) << opened.error().message;
    dataplane_.emplace(std::move(*opened));
  });
}

void SmallCluster::wire_up() {
  for (const auto* each : {&node_, &pod_a_, &pod_b_, &outside_, &beyond_}) each->sh(kEverywhere);
  node_.sh(fmt::format(R"(
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip link set lo up
ip link add eth0 type veth peer name eth0 netns {}
ip link set eth0 up
ip address add 172.31.0.11/24 dev eth0
ip address add fd31::b/64 dev eth0 nodad
)",
                       outside_.path()));
  outside_.sh(R"(
ip link set lo up
ip link set eth0 up
for each in 10.244.2.10/32 10.244.2.11/32 192.0.2.11/32 fd44:0:0:2::a/128 fd44:0:0:2::b/128 2001:db8:c::b/128; do
  ip address add $each dev lo
done
ip address add 172.31.0.12/24 dev eth0
ip address add fd31::c/64 dev eth0 nodad
ip route add default via 172.31.0.11
ip route add default via fd31::b
)");
  node_.sh(fmt::format(R"(
for each in 10.244.2.0/24 192.0.2.0/24; do ip route add $each via 172.31.0.12; done
for each in fd44:0:0:2::/64 2001:db8:c::/64; do ip route add $each via fd31::c; done
ip link add eth1 type veth peer name eth0 netns {}
ip link set eth1 up
ip address add 172.31.1.11/24 dev eth1
ip address add fd32::b/64 dev eth1 nodad
ip route add default via 172.31.1.1
ip route add default via fd32::1
)",
                       beyond_.path()));
  beyond_.sh(R"(
ip link set lo up
ip link set eth0 up
ip address add 172.31.1.1/24 dev eth0
ip address add fd32::1/64 dev eth0 nodad
ip route add default via 172.31.1.11
ip route add default via fd32::b
)");
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    for (const auto& each : {cluster_ip(family), external_ip(family), balancer(family), unallocated(family)}) {
      beyond_.sh(fmt::format("ip address add {} dev lo", each.to_string()));
    }
  }
  for (const auto host : {Host::kPodA, Host::kPodB}) {
    const auto device = host == Host::kPodA ? "pod-a" : "pod-b";
    const auto v4 = address_of(host, Family::kIpv4).to_string();
    const auto v6 = address_of(host, Family::kIpv6).to_string();
    node_.sh(fmt::format(R"(
ip link add {0} type veth peer name eth0 netns {1}
ip link set {0} up
ip address add 172.31.0.11/32 dev {0}
ip address add fd31::b/128 dev {0} nodad
ip route add {2} dev {0}
ip route add {3} dev {0}
)",
                         device, netns(host).path(), v4, v6));
    netns(host).sh(fmt::format(R"(
ip link set lo up
ip link set eth0 up
ip address add {}/32 dev eth0
ip address add {}/128 dev eth0 nodad
ip route add default via 172.31.0.11 dev eth0 onlink
ip route add default via fd31::b dev eth0 onlink
)",
                               v4, v6));
  }
}

const Netns& SmallCluster::netns(Host host) const {
  switch (host) {
    case Host::kPodA:
      return pod_a_;
    case Host::kPodB:
      return pod_b_;
    case Host::kNode:
      return node_;
    case Host::kRemoteNode:
    case Host::kRemotePod:
    case Host::kOtherRemotePod:
    case Host::kClient:
      return outside_;
  }
  return outside_;
}

void SmallCluster::listen_beyond(Family family) {
  if (!listening_beyond_.insert(family).second) return;
  for (const auto& address : {cluster_ip(family), external_ip(family), balancer(family), unallocated(family)}) {
    for (const auto port : {kPort, kUnusedPort}) {
      for (const auto protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
        traffic_.listen(beyond_, {address, port}, protocol);
      }
    }
  }
}

void SmallCluster::listen(Host host, Family family, std::uint16_t port) {
  listen_beyond(family);
  for (const auto protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
    traffic_.listen(netns(host), {address_of(host, family), port}, protocol);
  }
}

Outcome SmallCluster::probe(Host from, const SocketAddress& target, Protocol protocol, std::uint16_t source_port) {
  return traffic_.probe(netns(from), {target, protocol, {address_of(from, target.address.family()), source_port}});
}

Result<Applied> SmallCluster::try_apply(const world::World& world) {
  std::optional<Result<Applied>> applied;
  node_.in([&] { applied = dataplane_->apply(world); });
  return *applied;
}

Applied SmallCluster::apply(const world::World& world) {
  const auto applied = try_apply(world);
  EXPECT_TRUE(applied) << applied.error().message;
  return applied.value_or(Applied{});
}

world::World web(const std::vector<Host>& endpoints) {
  world::World made;
  made.nodes = two_nodes();
  auto service = test::service("web", {}, {});
  service.type = world::ServiceType::kLoadBalancer;
  std::vector<world::EndpointPort> ports;
  for (const auto protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kSctp}) {
    service.ports.push_back(port(std::string(to_string(protocol)), protocol, kPort, kNodePort));
    ports.push_back({std::string(to_string(protocol)), protocol, kTargetPort});
  }
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    service.cluster_ips.push_back(cluster_ip(family));
    service.external_ips.push_back(external_ip(family));
    service.ingress.push_back({balancer(family), world::IpMode::kVip});
    std::vector<world::Endpoint> here;
    for (const auto host : endpoints) here.push_back(endpoint(address_of(host, family).to_string(), name_of(host)));
    made.slices.push_back(slice(service, std::move(here), ports));
    made.slices.back().family = family;
  }
  made.services = {std::move(service)};
  return made;
}

}  // namespace conntruth::lab_proxy::test
