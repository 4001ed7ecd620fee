#pragma once
// What the controller asks of agents and what agents report: tasks, responders, samples. Plain values without protobuf;
// common/codec turns them into messages and back.
//
// A task is a series of probes of one flow key; probe `n` of task `t` has the 64-bit id (t << 32 | n). Both ends report
// under that id, so the controller joins without any other key.
// Times are CLOCK_MONOTONIC nanoseconds of the reporting node and never compared across nodes without a bound (inside a
// lab all nodes share one clock).

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/address.hpp"
#include "common/model/entry_life.hpp"
#include "common/model/hop.hpp"
#include "common/model/probe_id.hpp"
#include "common/model/rule_step.hpp"
#include "common/model/ruleset.hpp"

namespace conntruth {

// How a probe is sent. Socket methods go through connect/sendto of the kernel (socket-level load balancers see them),
// crafted ones through raw IP sockets that pass the output hooks; TCP SYN and SCTP INIT are half-open. An HTTP GET goes
// through a kernel socket to a server that is none of ours, and so does a DNS lookup.
enum class Method : std::uint8_t { kUdpSocket = 1, kTcpSocket, kUdpCrafted, kTcpSyn, kSctpInit, kHttpGet, kDnsLookup };
[[nodiscard]] std::string_view to_string(Method method);  // "udp-socket", "tcp-socket", "udp-crafted", ...
[[nodiscard]] Protocol protocol_of(Method method);

// What a client saw. Judging (wrong endpoint, wrong source) is the controller's; these are the raw facts.
enum class Outcome : std::uint8_t {
  kReplied = 1,  // an answer with a valid identity for this probe id; http-get, dns-lookup: a whole answer
  kRefused,      // ICMP error, RST or ABORT: Refusal says which, and from whom
  kTimedOut,     // nothing came back until the deadline; silence is not refusal
  kToolError,    // the tool could not do it (no source port, EPERM on send, vanished namespace): never green
};
[[nodiscard]] std::string_view to_string(Outcome outcome);  // "replied", "refused", "timed-out", "tool-error"

enum class RefusalKind : std::uint8_t { kNone = 0, kIcmp, kReset, kAbort };

struct Refusal {
  RefusalKind kind = RefusalKind::kNone;
  std::uint8_t icmp_type = 0;  // of the family's ICMP
  std::uint8_t icmp_code = 0;
  IpAddress from;  // who sent it
  auto operator<=>(const Refusal&) const = default;
};

// What an http-get probe was answered.
struct HttpAnswer {
  std::uint16_t status = 0;                      // 100..999
  std::optional<std::uint64_t> local_endpoints;  // body's localEndpoints; absent where it has none (KEP-1669)
  std::string service;                           // body's service as "namespace/name"; "" where it has none
  auto operator<=>(const HttpAnswer&) const = default;
};

// What a dns-lookup probe was told of a name: the addresses of both families together, as getaddrinfo() asks for them.
// Source: RFC 1035; kubernetes/dns docs/specification.md.
struct NameAnswer {
  static constexpr std::uint8_t kNoError = 0;
  static constexpr std::uint8_t kNoSuchName = 3;  // NXDOMAIN
  std::uint8_t code = kNoError;                   // RCODE, 0..15
  std::string alias;                 // what its CNAME names, without the dot at the end; "" where there is none
  std::vector<IpAddress> addresses;  // of its A and AAAA records, sorted, each once
  auto operator<=>(const NameAnswer&) const = default;
};
[[nodiscard]] std::string to_string(
    const NameAnswer& answer);  // "10.96.0.9 fd00::9", "-> web.a.svc: 10.96.0.9", "NXDOMAIN"

struct Sample {
  ProbeId id = 0;
  Outcome outcome = Outcome::kToolError;
  std::uint32_t responder = 0;          // replied: ResponderSpec.id; 0 otherwise
  SocketAddress seen_source;            // replied: the source address the responder saw
  SocketAddress seen_destination;       // replied: the destination it saw (its own address)
  std::optional<HttpAnswer> http = {};  // http-get, replied: what was answered; the three above are then empty
  std::optional<NameAnswer> name = {};  // dns-lookup, replied: the same
  Refusal refusal;                      // refused: what and from whom
  std::uint16_t source_port = 0;        // the client's
  std::int64_t sent_ns = 0;             // client's clock
  std::int64_t round_trip_ns = 0;       // replied and refused; user to user
  // tool-error: one line. timed-out: empty, or that something accepted the flow without giving an identity
  std::string error;
  bool operator==(const Sample&) const = default;
};

// Somebody's own sight of a probe on its way: the answering side's, or that of the connection tracking of a node.
struct Sight {
  ProbeId id = 0;
  std::uint32_t responder = 0;  // 0: connection tracking's, and only that has a destination
  SocketAddress source;         // as it arrives; connection tracking: as it leaves the node, translated or not
  std::int64_t received_ns = 0;
  SocketAddress destination = {};  // where the node sends it
  bool operator==(const Sight&) const = default;
};

struct ResponderSpec {
  std::uint32_t id = 0;  // 1..; unique in the run; names (namespace, protocol, port), both families
  NamespaceName place;   // "" is the node itself
  Protocol protocol = Protocol::kTcp;
  std::uint16_t port = 0;
  bool operator==(const ResponderSpec&) const = default;
};

struct ProbeTask {
  std::uint32_t id = 0;  // 1..; unique in the run
  NamespaceName place;   // where it starts
  IpAddress source;      // unspecified: the kernel's choice
  SocketAddress target;  // an unspecified address or port 0 is a tool error for every probe of the task
  Method method = Method::kUdpSocket;
  std::uint32_t count = 1;                  // probes to send
  std::chrono::microseconds interval{0};    // between two probes of this task; 0: as the budget allows
  std::chrono::milliseconds timeout{1000};  // per probe
  std::uint16_t source_port = 0;            // non-zero: every probe uses this one (one 5-tuple)
  // Non-zero, tcp-socket only: all probes go over one connection, which tasks of the same place and target with the
  // same number share. The first probe opens it; it is kept until the session ends, and once it has ended it is never
  // opened again: each later probe then has the outcome that ended it.
  std::uint32_t connection = 0;
  // Non-zero: stop early after so many consecutive probes that were answered by one of `until_responders`, or that
  // ended in one of the other ways allowed here (following a change).
  std::uint32_t until_count = 0;
  std::vector<std::uint32_t> until_responders;
  bool until_refused = false;
  bool until_timed_out = false;
  std::string path = {};                      // http-get only: what to GET, printable and beginning with /
  std::string name = {};                      // dns-lookup only: what to look up, in full, without the dot at the end
  std::optional<NameAnswer> until_name = {};  // dns-lookup only: the answer that until_count counts
  // Nobody of ours answers there, so any answer to this very probe is "replied", without responder and what it saw; who
  // answered is told by a Sight of the node's connection tracking, if that knows the flow. tcp-syn, sctp-init and
  // udp-crafted only; the latter then sends an empty datagram.
  bool foreign = false;
  bool operator==(const ProbeTask&) const = default;
};

// A pod that came during the run: the agent looks for it by its address when it does not know the name yet.
struct PodPlace {
  NamespaceName name;
  std::vector<IpAddress> addresses;  // any of them is enough
  bool operator==(const PodPlace&) const = default;
};

// What a node's connection tracking is asked for: the flow that comes to it as `source` → `destination`. The answer is
// a Sight; none where it does not know the flow.
struct FlowQuestion {
  ProbeId id = 0;
  Protocol protocol = Protocol::kTcp;
  SocketAddress source;
  SocketAddress destination;
  bool operator==(const FlowQuestion&) const = default;
};

// The packet walk of a node: whether what the kernel does to probes' packets is looked at and reported as hops. It is
// attached while it is wanted and costs nothing else. An assignment changes it before its tasks begin.
enum class WalkOrder : std::uint8_t {
  kUnchanged = 0,
  kStart,  // attach and check it with packets of its own; where it is attached: attach anew, with the places of today
  kStop,   // detach; the batch that ends the assignment carries the last hops and the counts of what was lost
};
[[nodiscard]] std::string_view to_string(WalkOrder order);  // "unchanged", "start", "stop"

// One unit of work for one agent. Responders stay until the session ends or `drop_responders` names them.
struct Assignment {
  std::uint64_t id = 0;
  std::vector<PodPlace> places = {};  // of those that the rest names, the ones that came during the run
  std::vector<ResponderSpec> responders;
  std::vector<std::uint32_t> drop_responders;
  std::vector<ProbeTask> tasks;
  std::vector<FlowQuestion> questions = {};
  WalkOrder walk = WalkOrder::kUnchanged;
  bool operator==(const Assignment&) const = default;
};

// Losses inside the agent, each with its name; zero ones are left out.
struct LossCounter {
  std::string name;  // "raw-socket-overflow", "late-answer", "duplicate-answer", "foreign-packet", ...
  std::uint64_t count = 0;
  bool operator==(const LossCounter&) const = default;
};

struct ResultBatch {
  std::uint64_t sequence = 0;    // per session, from 1; the controller acknowledges the highest it stored
  std::uint64_t assignment = 0;  // which one the samples belong to
  std::vector<Sample> samples;
  std::vector<Sight> sights;
  std::vector<LossCounter> losses;  // totals since the agent started
  bool assignment_done = false;     // last batch of that assignment
  // From now on only tasks are open to which nothing ever came back, and their last probes have waited for a while:
  // whoever expects no answers need not wait any longer. Their samples follow at their deadlines.
  bool assignment_quiet = false;
  std::string assignment_error;  // set: the assignment could not be carried out, with the reason
  // Of any assignment: as sights are. In the order of each processor's time, not of all together.
  std::vector<Hop> hops = {};
  // Before or with the end of an assignment that starts the walk: what of it is not available on this node and why, a
  // line each.
  std::vector<std::string> notes = {};
  // The same, and they come when the walk is stopped.
  std::vector<RuleStep> rules = {};
  std::vector<EntryLife> entries = {};
  std::vector<Ruleset> rulesets = {};  // of every place that has rules, and of the node itself
  bool operator==(const ResultBatch&) const = default;
};

// An agent's first words.
struct Hello {
  std::string node;
  std::string agent_version;
  std::string kernel_release;
  std::uint32_t protocol_version = 5;
  // "udp-socket", ... (methods), "ipv6", "conntrack", "packet-walk", or "no-packet-walk: " and the reason
  std::vector<std::string> capabilities;
  std::vector<NamespaceName> places;  // namespaces it can enter
  std::uint64_t acknowledged = 0;     // resume: highest batch it knows to be stored; 0 on a first connection
  std::string session;                // resume: the session id given by Welcome; "" on a first connection
  bool operator==(const Hello&) const = default;
};

}  // namespace conntruth
