#pragma once
// A flow to be judged: where it starts (vantage), what it is sent to (entry), with which protocol and family.
// The oracle maps (World, Flow) to an Expectation. Plain values.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/address.hpp"

namespace conntruth {

enum class VantageKind : std::uint8_t { kPod, kNode, kExternal };

struct Vantage {
  VantageKind kind = VantageKind::kPod;
  std::string node;  // the node it is on; for an external client the node at which its traffic enters
  std::string pod;   // pod name; "" for node and external vantages
  IpAddress source;  // the address the flow starts with

  [[nodiscard]] std::string name() const;  // "node-1-pod-0", "node-1", "external>node-1"
  auto operator<=>(const Vantage&) const = default;
};

enum class EntryKind : std::uint8_t {
  kClusterIp,
  kNodePort,
  kExternalIp,
  kLoadBalancer,
  kPodIp,        // an endpoint's own address and port: headless Services and controls
  kUnusedPort,   // a Service's address with a port that no Service has
  kUnallocated,  // an address of the Service range that no Service has
  // Asked over HTTP at a node's address: what a service proxy says of itself.
  kHealthCheckNodePort,  // a Service's healthCheckNodePort
  kProxyHealthz,         // /healthz of the proxy
  kProxyLivez,           // /livez of the proxy
  kName,                 // a Service's DNS name, looked up at the cluster's DNS server
};
[[nodiscard]] std::string_view to_string(EntryKind kind);  // "clusterIP", "nodePort", "externalIP", "loadBalancer", ...
// The path to GET where the entry is asked over HTTP; "" for all other kinds. Source: GetServiceHealthCheckPathPort of
// k8s.io/cloud-provider/service/helpers; KEP-3836.
[[nodiscard]] std::string_view http_path(EntryKind kind);
inline constexpr std::uint16_t kProxyHealthPort = 10256;  // kube-proxy: --healthz-bind-address

struct Entry {
  EntryKind kind = EntryKind::kClusterIp;
  std::string service;    // "namespace/name"; may be empty for kPodIp and kUnallocated
  std::string port_name;  // ServicePort.name
  std::string node;       // kNodePort and those asked over HTTP: whose address it is. Else ""
  SocketAddress target;   // where packets are sent; kName: the DNS server
  std::string name = {};  // kName: in full, without the dot at the end: "web.shop.svc.cluster.local". Else ""
  auto operator<=>(const Entry&) const = default;
};

struct Flow {
  Vantage vantage;
  Entry entry;
  Protocol protocol = Protocol::kTcp;
  [[nodiscard]] Family family() const { return entry.target.address.family(); }
  auto operator<=>(const Flow&) const = default;
};

}  // namespace conntruth
