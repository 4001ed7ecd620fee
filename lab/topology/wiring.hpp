#pragma once
// The links, addresses, routes, rules and neighbours of every namespace of a lab, as input for `ip -batch -` (and for
// the fabric's bridge: `bridge -batch -`). Text in, text out: nothing here touches the system.
//
// Neighbours are static everywhere: the neighbour table is one for the whole kernel and 50 nodes would overflow it, and
// no first packet may wait for its resolution. IPv6 addresses are `nodad` for the same reason. A veth pair is made in
// one namespace with its peer directly in the other one, so nothing ever shows up on the host. Threading: pure
// functions.

#include <functional>
#include <string>

#include "lab/lab.hpp"

namespace conntruth::lab {

// Path of the network namespace of a node, of "external" or of a pod, as `ip` shall open it.
using NetnsPath = std::function<std::string(const std::string& name)>;

// Run first: makes the bridge, and eth0 in every node and in the external client.
[[nodiscard]] std::string fabric_links(const LabSpec& spec, const NetnsPath& path);
// For `ip -4 -batch -` and `ip -6 -batch -`: `ip rule` alone does not take the family from the address.
[[nodiscard]] std::string fabric_rules(const LabSpec& spec, Family family);
[[nodiscard]] std::string fabric_forwarding(const LabSpec& spec);  // `bridge -batch -`: static entries, no flooding
// Makes eth0 in every pod of the node.
[[nodiscard]] std::string node_links(const LabSpec& spec, unsigned node, const NetnsPath& path);
[[nodiscard]] std::string pod_links(const LabSpec& spec, unsigned node, unsigned pod);
[[nodiscard]] std::string external_links(const LabSpec& spec);

// For `nft -f -`, in a table that is the lab's own. In pods and the client outside: what the kernel has to say to an
// answer of a crafted TCP probe (a reset, as it has no such socket) goes no further; it would cost every node on its
// way as much as the probe. On a node that as well, and conntrack keeps fixed flows for as long as a stream of packets.
[[nodiscard]] std::string pod_packet_rules();
[[nodiscard]] std::string node_packet_rules(const LabSpec& spec);

}  // namespace conntruth::lab
