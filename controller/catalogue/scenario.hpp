#pragma once
// A scenario: Services and endpoints, how they change step by step, and who probes what at each step. Nodes and pods
// are named by their place in the topology (first, last, each, ...), addresses and port numbers by nobody: the planner
// gives them. So one scenario runs on one node and on fifty. Plain values; docs/scenarios.md describes the files.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/flow.hpp"
#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth::catalogue {

// Nodes by their place in the topology's order.
enum class NodeWord : std::uint8_t {
  kEach,
  kFirst,
  kSecond,
  kThird,
  kLast,
  kOthers,  // all but the own one; in a Service without `each`: all but the first
  kOwn,     // the node that this copy of an `each` Service (or this endpoint, in hints) stands for
};
[[nodiscard]] std::string_view to_string(NodeWord word);
// Indices into the topology's nodes, ascending. `own` is absent outside of `each` Services. kNotFound with a reason
// that is fit for a report: "needs at least 2 nodes".
[[nodiscard]] Result<std::vector<std::size_t>> resolve(NodeWord word, std::size_t nodes,
                                                       std::optional<std::size_t> own);

struct EndpointSpec {
  NodeWord on = NodeWord::kEach;
  std::optional<unsigned> pod = 0;  // which pod of the node; absent: each of them
  bool host_network = false;        // the node itself answers
  bool ready = true;
  bool serving = true;
  bool terminating = false;
  std::vector<Family> families;                     // empty: those of the topology
  std::vector<std::string> ports;                   // names of the Service's ports that it has; empty: all
  unsigned variant = 0;                             // another one answers at other port numbers
  unsigned copies = 1;                              // so many endpoints at one address, each at its own port number
  std::string slice;                                // endpoints with the same word share slices
  std::optional<std::vector<NodeWord>> zone_hints;  // the zones of these nodes
  std::optional<std::vector<NodeWord>> node_hints;
  bool operator==(const EndpointSpec&) const = default;
};

// Whose addresses are in a Service's loadBalancerSourceRanges.
enum class RangeWord : std::uint8_t {
  kExternal,   // every external client
  kFirst,      // the external client where it enters at the first node
  kPods,       // every pod
  kNodes,      // every node
  kEverybody,  // the two halves of each family's addresses
  kNobody,     // an address that no client has
};

enum class Each : std::uint8_t { kOne, kNode, kPod };  // how many copies of a Service there are

// A Service as it stands at one step.
struct ServiceSpec {
  std::string name;
  Each each = Each::kOne;
  bool absent = false;       // not in the world at this step; its addresses stay reserved
  bool external_ip = false;  // has an address of the external range
  world::IpMode ip_mode = world::IpMode::kVip;
  std::vector<RangeWord> source_ranges;  // empty: no ranges, everybody may come in
  world::Service service;                // spec, labels, annotations; addresses and node ports are the planner's
  std::vector<EndpointSpec> endpoints;
  bool operator==(const ServiceSpec&) const = default;
};

enum class Client : std::uint8_t {
  kPod,       // a pod of each node
  kNode,      // each node itself
  kExternal,  // the client outside, entering at each node
  kEndpoint,  // the endpoints of the Service themselves
};

enum class ProbeRule : std::uint8_t {
  kNewFlows,        // many new flows
  kFixedFlow,       // one 5-tuple for all steps
  kRotate,          // few flows, each after the affinity timed out
  kKeptConnection,  // one TCP connection for all steps, opened at the first one
};

struct ProbeSpec {
  std::vector<Client> from;
  NodeWord clients = NodeWord::kEach;                           // on which nodes
  std::optional<std::vector<unsigned>> pods = std::vector{0U};  // which pods of them, for Client::kPod; absent: each
  std::vector<EntryKind> to;
  NodeWord entries = NodeWord::kEach;  // whose node ports and health endpoints
  std::vector<std::string> services;   // empty: all
  std::vector<std::string> ports;      // empty: all that the Service has at any step
  std::vector<Protocol> protocols;     // empty: those of the ports. Else also where the Service has no such port
  ProbeRule rule = ProbeRule::kNewFlows;
  std::vector<std::string> covers;  // as a scenario's, of these cells alone
  bool operator==(const ProbeSpec&) const = default;
};

// What becomes of nodes at a step. Packets are not concerned, the health endpoints of the nodes' proxies are
// (KEP-3836).
struct NodeSpec {
  NodeWord on = NodeWord::kEach;
  bool deleting = false;    // being deleted
  bool scale_down = false;  // tainted by the cluster autoscaler
  bool operator==(const NodeSpec&) const = default;
};

struct Step {
  std::string name;
  std::chrono::milliseconds pause{0};
  std::vector<NodeSpec> nodes;        // all that are not as usual
  std::vector<ServiceSpec> services;  // all of them, with every change up to this step
  std::vector<ProbeSpec> probes;
  std::vector<std::string> covers;  // as a scenario's, of this step's cells alone
  bool operator==(const Step&) const = default;
};

struct Scenario {
  std::string id;
  std::string title;
  std::vector<std::string> covers;  // ids of tests, requirements and gaps that take all its cells
  unsigned needs_nodes = 1;
  unsigned needs_pods = 1;   // per node
  unsigned needs_zones = 0;  // distinct ones
  std::vector<Step> steps;
  std::string origin;  // file name
  std::string source;  // the text it was read from; a run keeps it
};

// Whatever the scenario, its steps and their probes cover, sorted, each once.
[[nodiscard]] std::vector<std::string> all_covers(const Scenario& scenario);

}  // namespace conntruth::catalogue
