#pragma once
// The life of one entry of connection tracking on one node, while witnesses were under way: what it translates, when it
// came and went, and who removed it. Plain values, reported beside the hops of a walk (hop.hpp), for the flows that the
// walk saw alone. Source: linux/netfilter/nfnetlink_conntrack.h, nf_conntrack_common.h.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/address.hpp"
#include "common/model/hop.hpp"

namespace conntruth {

enum class EntryEnd : std::uint8_t {
  kNone = 0,  // it was still there when the node was looked at last
  kExpired,   // its time was over
  kDeleted,   // somebody asked for it by ctnetlink: `conntrack -D` or -F, a service proxy
  kByKernel,  // the kernel removed it before its time: no room, a new connection of the same tuple, a device that went
  kUnseen,    // it was there before and not afterwards, and the kernel did not tell
};
[[nodiscard]] std::string_view to_string(EntryEnd end);  // "none", "expired", "deleted", "by-kernel", "unseen"

// Bits of EntryLife::status (enum ip_conntrack_status).
inline constexpr std::uint32_t kEntrySeenReply = 0x2, kEntryAssured = 0x4, kEntrySourceNat = 0x10,
                               kEntryDestinationNat = 0x20, kEntryDying = 0x200;

// Times are those at which the agent read the kernel's message, CLOCK_MONOTONIC of the node; 0: no such message.
struct EntryLife {
  NamespaceName place;   // "" is the node itself
  std::uint32_t id = 0;  // the kernel's; 0: it did not say
  Protocol protocol = Protocol::kTcp;
  SocketAddress original_source, original_destination;  // as its first packet came
  SocketAddress reply_source, reply_destination;        // as answers come
  std::uint32_t status = 0;                             // as last told
  std::uint32_t mark = 0;
  std::uint16_t zone = 0;
  std::uint32_t timeout_s = 0;  // as last told: so long it would have lived on without a packet
  bool before = false;          // it was there when witnesses began
  bool after = false;           // and when they had ended
  std::int64_t created_ns = 0;
  std::int64_t updated_ns = 0;  // the last of `updates`
  std::uint32_t updates = 0;
  std::int64_t destroyed_ns = 0;
  EntryEnd end = EntryEnd::kNone;
  std::uint32_t remover = 0;  // kDeleted: the port of the netlink socket that asked, often the process' number
  std::string remover_name;   // its process, where one held that socket when the agent looked: "kube-proxy (712)"
  std::uint32_t others = 0;   // kDeleted: entries of the same place that the same port deleted meanwhile
  bool gaps = false;          // messages of this place were lost: times and `updates` may be missing
  bool operator==(const EntryLife&) const = default;
};

}  // namespace conntruth
