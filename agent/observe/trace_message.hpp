#pragma once
// Messages by which nf_tables tells what it does with a packet whose nftrace bit is set. Pure; reads whatever bytes it
// is given without trusting a length in them. Source: nf_tables_trace.c, linux/netfilter/nf_tables.h (NFTA_TRACE_*).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/address.hpp"
#include "common/model/rule_step.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

// What the message quotes of the packet: the first bytes of its headers.
struct TracedPacket {
  std::optional<Protocol> protocol;   // none: an ICMP error, which has no ports
  SocketAddress source, destination;  // ports 0 for an ICMP error
  std::optional<std::uint32_t> task;  // high half of the id where the quoted bytes have it (UDP)
  // Low half of the id where they have it, if it is a probe's or its answer's at all (TCP, SCTP).
  std::optional<std::uint32_t> sequence;
  bool operator==(const TracedPacket&) const = default;
};

struct TraceEvent {
  std::uint32_t packet_id = 0;  // the kernel's: for as long as it lives no other packet has it
  std::string table;            // "inet planted"
  std::string chain;
  std::uint64_t handle = 0;  // of the rule; 0 without one
  RuleEvent event = RuleEvent::kRule;
  RuleVerdict verdict = RuleVerdict::kContinue;
  std::string to;
  std::uint32_t mark = 0;
  std::optional<TracedPacket> packet;  // with the first event of each chain at a hook
  bool operator==(const TraceEvent&) const = default;
};

// The trace events of one datagram, in order; messages of other kinds are passed over. kInvalidInput names what is
// wrong with it.
[[nodiscard]] Result<std::vector<TraceEvent>> read_trace_events(std::span<const std::uint8_t> datagram);

}  // namespace conntruth::observe
