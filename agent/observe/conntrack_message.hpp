#pragma once
// Messages of ctnetlink: the question for one entry or for all, an entry as the kernel prints it, and what the kernel
// tells of entries that come and go. Pure; reads whatever bytes it is given without trusting a length in them.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "common/address.hpp"
#include "common/result.hpp"

namespace conntruth::observe {

struct FlowTuple {
  Protocol protocol = Protocol::kTcp;
  SocketAddress source;
  SocketAddress destination;
  bool operator==(const FlowTuple&) const = default;
};

struct ConntrackEntry {
  FlowTuple original;        // as the first packet came
  FlowTuple reply;           // as answers come: its source is where the flow was sent, its destination what that sees
  std::uint32_t status = 0;  // bits of enum ip_conntrack_status, linux/netfilter/nf_conntrack_common.h
  std::chrono::seconds timeout{0};  // until it is forgotten
  std::uint32_t mark = 0;
  std::uint16_t zone = 0;
  std::uint32_t id = 0;  // the kernel's; 0: it did not say
  bool operator==(const ConntrackEntry&) const = default;
};

// IPCTNL_MSG_CT_GET by the original tuple. Both addresses are of one family.
[[nodiscard]] std::vector<std::uint8_t> conntrack_question(const FlowTuple& original, std::uint16_t zone,
                                                           std::uint32_t sequence);

struct ConntrackAnswer {
  std::uint32_t sequence = 0;
  int error = 0;  // an errno; the entry is then empty, as it is for messages of other kinds
  std::optional<ConntrackEntry> entry;
};
// The messages of one datagram, in order; kInvalidInput names what is wrong with it.
[[nodiscard]] Result<std::vector<ConntrackAnswer>> read_conntrack_answers(std::span<const std::uint8_t> datagram);

// IPCTNL_MSG_CT_GET for all entries of both families.
[[nodiscard]] std::vector<std::uint8_t> conntrack_dump_question(std::uint32_t sequence);

enum class ConntrackChange : std::uint8_t { kThere, kNew, kUpdated, kDestroyed };  // kThere: in answer to a question

struct ConntrackEvent {
  ConntrackChange change = ConntrackChange::kThere;
  std::uint32_t port = 0;  // kDestroyed: of the netlink socket that asked for it; 0: nobody did
  bool has_timeout = false;
  ConntrackEntry entry;
};
struct ConntrackNews {
  bool done = false;          // the dump is at its end
  int error = 0;              // an errno of the question; 0 where there is none
  std::uint64_t skipped = 0;  // entries of other protocols than probes have
};
// What one datagram tells, entry by entry and in order; kInvalidInput names what is wrong with it.
[[nodiscard]] Result<ConntrackNews> read_conntrack_events(std::span<const std::uint8_t> datagram,
                                                          const std::function<void(const ConntrackEvent&)>& take);

}  // namespace conntruth::observe
