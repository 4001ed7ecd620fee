#pragma once
// The world: Nodes, Services and EndpointSlices in the shape of the Kubernetes v1 API, reduced to the fields that
// decide what a Service dataplane must do to a packet. Plain values: no behaviour but look-ups, no I/O, no clock.
//
// Sources: core/v1 Service and Node, discovery.k8s.io/v1 EndpointSlice; KEP-1669 (terminating endpoints), KEP-2086
// (internalTrafficPolicy), KEP-2433 (topology hints), KEP-4444 (trafficDistribution), KEP-1860 (ipMode),
// KEP-3015 (PreferSameNode hints). Absent optional fields stay absent here where Kubernetes gives absence a meaning.
// Threading: values; share as const.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/address.hpp"

namespace conntruth::world {

inline constexpr std::string_view kZoneLabel = "topology.kubernetes.io/zone";
inline constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";
inline constexpr std::string_view kProxyNameLabel = "service.kubernetes.io/service-proxy-name";
inline constexpr std::string_view kHeadlessLabel = "service.kubernetes.io/headless";
inline constexpr std::string_view kScaleDownTaint = "ToBeDeletedByClusterAutoscaler";

using Labels = std::map<std::string, std::string>;

struct Taint {
  std::string key;
  std::string value;
  std::string effect;
  bool operator==(const Taint&) const = default;
};

struct Node {
  std::string name;
  Labels labels;
  std::vector<IpAddress> addresses;  // InternalIP then ExternalIP, in the API's order; both families
  std::vector<Prefix> pod_cidrs;
  std::vector<Taint> taints;
  bool deleting = false;  // metadata.deletionTimestamp is set

  [[nodiscard]] std::optional<std::string> zone() const;
  bool operator==(const Node&) const = default;
};

enum class ServiceType : std::uint8_t { kClusterIp, kNodePort, kLoadBalancer, kExternalName };
enum class TrafficPolicy : std::uint8_t { kCluster, kLocal };
enum class IpMode : std::uint8_t { kVip, kProxy };

struct ServicePort {
  std::string name;  // "" where a Service has one unnamed port
  Protocol protocol = Protocol::kTcp;
  std::uint16_t port = 0;                                                   // 1..65535
  std::variant<std::uint16_t, std::string> target_port = std::uint16_t{0};  // informational: slices decide
  std::uint16_t node_port = 0;                                              // 0: none allocated
  bool operator==(const ServicePort&) const = default;
};

struct LoadBalancerIngress {
  IpAddress address;
  IpMode mode = IpMode::kVip;
  bool operator==(const LoadBalancerIngress&) const = default;
};

struct Service {
  std::string namespace_name;
  std::string name;
  Labels labels;
  Labels annotations;
  ServiceType type = ServiceType::kClusterIp;
  std::vector<ServicePort> ports;
  bool headless = false;               // spec.clusterIP: None
  std::vector<IpAddress> cluster_ips;  // at most one per family
  std::vector<Family> ip_families;     // empty: the families of cluster_ips
  std::vector<IpAddress> external_ips;
  std::vector<LoadBalancerIngress> ingress;  // status.loadBalancer.ingress entries that carry an ip
  std::vector<Prefix> source_ranges;         // spec.loadBalancerSourceRanges
  TrafficPolicy internal_policy = TrafficPolicy::kCluster;
  TrafficPolicy external_policy = TrafficPolicy::kCluster;
  std::optional<std::uint32_t> affinity_timeout_s;  // set: sessionAffinity ClientIP, 1..86400 s (API default 10800)
  bool publish_not_ready_addresses = false;
  bool allocate_node_ports = true;
  std::string traffic_distribution;  // "", PreferClose, PreferSameZone, PreferSameNode; acts only through hints
  std::string external_name;
  std::string load_balancer_class;
  std::uint16_t health_check_node_port = 0;  // 0: none

  [[nodiscard]] std::string key() const { return namespace_name + "/" + name; }
  [[nodiscard]] std::optional<IpAddress> cluster_ip(Family family) const;
  [[nodiscard]] const ServicePort* port_named(std::string_view port_name) const;
  // True where a service proxy has to program it: not headless (field or label), not ExternalName, no foreign
  // service-proxy-name label.
  [[nodiscard]] bool is_proxied() const;
  bool operator==(const Service&) const = default;
};

struct Endpoint {
  std::vector<IpAddress> addresses;  // the API allows several; all name one endpoint, proxies use the first
  std::optional<bool> ready;
  std::optional<bool> serving;
  std::optional<bool> terminating;
  std::string node_name;  // "" where unknown
  std::string zone;
  std::optional<std::vector<std::string>> zone_hints;  // hints.forZones names; absent is not the same as empty
  std::optional<std::vector<std::string>> node_hints;  // hints.forNodes names
  std::string target_name;                             // targetRef.name, for people

  // k8s.io/api/discovery/v1, EndpointConditions: where absent, ready and serving count as true, terminating as false.
  [[nodiscard]] bool is_ready() const { return ready.value_or(true); }
  [[nodiscard]] bool is_serving() const { return serving.value_or(true); }
  [[nodiscard]] bool is_terminating() const { return terminating.value_or(false); }
  bool operator==(const Endpoint&) const = default;
};

struct EndpointPort {
  std::string name;
  Protocol protocol = Protocol::kTcp;
  std::uint16_t port = 0;  // 0: "any port" in the API, of no use to a proxy
  bool operator==(const EndpointPort&) const = default;
};

struct EndpointSlice {
  std::string namespace_name;
  std::string name;
  Labels labels;
  std::string service_name;       // label kubernetes.io/service-name
  Family family = Family::kIpv4;  // addressType; FQDN slices are read and dropped, proxies ignore them
  std::vector<EndpointPort> ports;
  std::vector<Endpoint> endpoints;

  [[nodiscard]] std::string service_key() const { return namespace_name + "/" + service_name; }
  bool operator==(const EndpointSlice&) const = default;
};

struct World {
  std::uint64_t generation = 0;  // grows with every published change; metadata of the document, not of any object
  std::vector<Node> nodes;
  std::vector<Service> services;
  std::vector<EndpointSlice> slices;

  [[nodiscard]] const Node* node(std::string_view name) const;
  [[nodiscard]] const Service* service(std::string_view key) const;  // "namespace/name"
  bool operator==(const World&) const = default;
};

}  // namespace conntruth::world
