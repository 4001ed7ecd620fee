#include "lab/topology/wiring.hpp"

#include <fmt/format.h>

#include <iterator>

#include "common/model/source_ports.hpp"
#include "lab/topology/address_plan.hpp"

namespace conntruth::lab {

namespace {

constexpr std::string_view kOwnTable = "conntruth-lab";  // not "conntruth", which is the reference proxy's
constexpr unsigned kFirstTable = 100;                    // routing table 100+i: what enters at node i

// Collects lines; the helpers know the two places where the families' syntax differs.
class Batch {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  void address(const IpAddress& address, unsigned length, std::string_view device) {
    add("addr add {}/{} dev {}{}", address.to_string(), length, device,
        address.family() == Family::kIpv6 ? " nodad" : "");
  }
  void host_address(const IpAddress& address, std::string_view device) {
    this->address(address, address.family() == Family::kIpv4 ? 32 : 128, device);
  }
  void neighbour(const IpAddress& address, std::string_view mac, std::string_view device) {
    add("neigh add {} lladdr {} dev {} nud permanent", address.to_string(), mac, device);
  }
  void default_route(const IpAddress& via, std::string_view device) {
    add("route add {} via {} dev {} onlink", via.family() == Family::kIpv4 ? "0.0.0.0/0" : "::/0", via.to_string(),
        device);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::vector<Prefix> service_prefixes(const ServiceRanges& ranges) {
  auto prefixes = ranges.cluster_ips;
  prefixes.insert(prefixes.end(), ranges.external_ips.begin(), ranges.external_ips.end());
  prefixes.insert(prefixes.end(), ranges.load_balancers.begin(), ranges.load_balancers.end());
  return prefixes;
}

void fabric_devices(Batch& batch, const Topology& topology, const NetnsPath& path) {
  batch.add("link set lo up");
  batch.add("link add br0 address {} type bridge forward_delay 0 mcast_snooping 0", fabric_mac());
  for (unsigned node = 1; node <= topology.nodes.size(); ++node) {
    const auto& name = topology.nodes[node - 1].name;
    batch.add("link add {} type veth peer name eth0 address {} netns {}", name, node_mac(node), path(name));
    batch.add("link set {} master br0 up", name);
  }
  batch.add("link set br0 up");
  batch.add("link add external address {} type veth peer name eth0 address {} netns {}", external_gateway_mac(),
            external_mac(), path(std::string(kExternal)));
  batch.add("link set external up");
}

// Pods' addresses go to their node; Service addresses that no node captured vanish without a word, except where the
// external client's source address says at which node they shall enter (fabric_rules).
void fabric_routes(Batch& batch, const LabSpec& spec, const Topology& topology) {
  const auto services = service_prefixes(topology.ranges);
  for (const auto& prefix : services) batch.add("route add blackhole {}", prefix.to_string());
  for (unsigned node = 1; node <= topology.nodes.size(); ++node) {
    const auto& addresses = topology.nodes[node - 1].addresses;
    for (const auto& pods : pod_prefixes(spec, node)) {
      batch.add("route add {} via {}", pods.to_string(), address_of(addresses, pods.address.family()).to_string());
    }
    for (const auto& prefix : services) {
      batch.add("route add {} via {} table {}", prefix.to_string(),
                address_of(addresses, prefix.address.family()).to_string(), kFirstTable + node);
    }
  }
}

void fabric_addresses(Batch& batch, const LabSpec& spec, const Topology& topology) {
  for (const auto& prefix : fabric_prefixes(spec)) batch.address(prefix.at(1), prefix.length, "br0");
  for (const auto& prefix : external_prefixes(spec)) batch.address(prefix.at(1), prefix.length, "external");
  for (unsigned node = 1; node <= topology.nodes.size(); ++node) {
    for (const auto& address : topology.nodes[node - 1].addresses) batch.neighbour(address, node_mac(node), "br0");
    for (const auto& source : topology.external_clients.front().via[node - 1].sources) {
      batch.neighbour(source, external_mac(), "external");
    }
  }
}

void node_uplink(Batch& batch, const LabSpec& spec, const Topology& topology, unsigned node) {
  const auto& self = topology.nodes[node - 1];
  batch.add("link set lo up");
  batch.add("link set eth0 up");
  for (const auto& prefix : fabric_prefixes(spec)) {
    batch.address(address_of(self.addresses, prefix.address.family()), prefix.length, "eth0");
    batch.neighbour(prefix.at(1), fabric_mac(), "eth0");
    batch.default_route(prefix.at(1), "eth0");
  }
  for (unsigned other = 1; other <= topology.nodes.size(); ++other) {
    if (other == node) continue;
    const auto& addresses = topology.nodes[other - 1].addresses;
    for (const auto& address : addresses) batch.neighbour(address, node_mac(other), "eth0");
    for (const auto& pods : pod_prefixes(spec, other)) {
      batch.add("route add {} via {}", pods.to_string(), address_of(addresses, pods.address.family()).to_string());
    }
  }
}

// A reset without ACK answers a segment with one: the SYN-ACK of a connection that the kernel does not know. A refusal
// has both.
std::string drop_own_resets() {
  return fmt::format("tcp flags & (syn | ack | rst | fin) == rst tcp sport {}-{} drop", kFirstCraftedPort,
                     kLastCraftedPort);
}

// 120 s is the kernel's own time for a flow that is more than two seconds old.
std::string remember_fixed_flows(unsigned family) {
  return fmt::format("meta nfproto ipv{0} udp sport {1}-{2} ct state new ct timeout set \"fixed-ipv{0}\"", family,
                     kFirstFixedPort, kLastFixedPort);
}

}  // namespace

std::string fabric_links(const LabSpec& spec, const NetnsPath& path) {
  const auto topology = plan_topology(spec);
  Batch batch;
  fabric_devices(batch, topology, path);
  fabric_addresses(batch, spec, topology);
  fabric_routes(batch, spec, topology);
  return batch.take();
}

// The rule asks for the incoming device, else what that node did not capture would come back to it for ever.
std::string fabric_rules(const LabSpec& spec, Family family) {
  const auto topology = plan_topology(spec);
  Batch batch;
  unsigned table = kFirstTable;
  for (const auto& via : topology.external_clients.front().via) {
    ++table;
    const auto source = address_of(via.sources, family);
    if (source.is_unspecified()) continue;
    batch.add("rule add from {} iif external lookup {} priority {}", source.to_string(), table, table);
  }
  return batch.take();
}

std::string fabric_forwarding(const LabSpec& spec) {
  Batch batch;
  for (unsigned node = 1; node <= spec.nodes; ++node) {
    batch.add("fdb add {} dev node-{} master static", node_mac(node), node);
  }
  return batch.take();
}

std::string node_links(const LabSpec& spec, unsigned node, const NetnsPath& path) {
  const auto topology = plan_topology(spec);
  const auto& self = topology.nodes[node - 1];
  Batch batch;
  node_uplink(batch, spec, topology, node);
  // An address of the node's pod range that no pod has is silence, for the node's own packets too: a blackhole route
  // would give their senders an error instead.
  // A bridge without ports and without neighbours swallows what it is given (not every kernel has dummy devices).
  batch.add("link add sink type bridge mcast_snooping 0");
  batch.add("link set sink arp off up");
  for (const auto& pods : pod_prefixes(spec, node)) batch.add("route add {} dev sink", pods.to_string());
  for (unsigned pod = 0; pod < self.pods.size(); ++pod) {
    const auto& [name, addresses, netns, device] = self.pods[pod];
    batch.add("link add {} address {} type veth peer name eth0 address {} netns {}", device, pod_gateway_mac(node, pod),
              pod_mac(node, pod), path(name));
    batch.add("link set {} up", device);
    // The node's own addresses, so that masquerade towards a local pod shows a real address of the node.
    for (const auto& address : self.addresses) batch.host_address(address, device);
    for (const auto& address : addresses) {
      batch.add("route add {} dev {}", address.to_string(), device);
      batch.neighbour(address, pod_mac(node, pod), device);
    }
  }
  return batch.take();
}

std::string pod_links(const LabSpec& spec, unsigned node, unsigned pod) {
  const auto host = plan_node(spec, node);
  Batch batch;
  batch.add("link set lo up");
  batch.add("link set eth0 up");
  for (const auto& address : host.pods[pod].addresses) batch.host_address(address, "eth0");
  for (const auto& address : host.addresses) {
    batch.neighbour(address, pod_gateway_mac(node, pod), "eth0");
    batch.default_route(address, "eth0");
  }
  return batch.take();
}

std::string external_links(const LabSpec& spec) {
  const auto topology = plan_topology(spec);
  Batch batch;
  batch.add("link set lo up");
  batch.add("link set eth0 up");
  for (const auto& via : topology.external_clients.front().via) {
    for (const auto& prefix : external_prefixes(spec)) {
      batch.address(address_of(via.sources, prefix.address.family()), prefix.length, "eth0");
    }
  }
  for (const auto& prefix : external_prefixes(spec)) {
    batch.neighbour(prefix.at(1), external_gateway_mac(), "eth0");
    batch.default_route(prefix.at(1), "eth0");
  }
  return batch.take();
}

std::string pod_packet_rules() {
  return fmt::format("table inet {} {{\n chain output {{ type filter hook output priority 0; {}; }}\n}}\n", kOwnTable,
                     drop_own_resets());
}

// After conntrack has seen a packet and before a proxy's chains do.
std::string node_packet_rules(const LabSpec& spec) {
  std::string text = fmt::format("table inet {} {{\n", kOwnTable);
  std::string remember;
  for (const unsigned family : {4U, 6U}) {
    if (family == 4 ? !spec.ipv4 : !spec.ipv6) continue;
    text += fmt::format(
        " ct timeout fixed-ipv{} {{ protocol udp; l3proto {}; policy = {{ unreplied : 30, replied : 120 }}; }}\n",
        family, family == 4 ? "ip" : "ip6");
    remember += "  " + remember_fixed_flows(family) + "\n";
  }
  text += fmt::format(" chain prerouting {{\n  type filter hook prerouting priority -190;\n{} }}\n", remember);
  text += fmt::format(" chain output {{\n  type filter hook output priority -190;\n{}  {}\n }}\n}}\n", remember,
                      drop_own_resets());
  return text;
}

}  // namespace conntruth::lab
