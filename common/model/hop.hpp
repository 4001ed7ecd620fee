#pragma once
// What the kernel did to one packet of one probe at one place: the steps that the packet walk reports. A probe's steps
// in the order of their times are its walk. Plain values; the kernel's side is bpf/abi/hop_event.h.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/address.hpp"
#include "common/model/probe_id.hpp"

namespace conntruth {

inline constexpr std::size_t kMaxHopPacket = 256;  // no packet of a probe is longer

enum class HopKind : std::uint8_t {
  kDeviceIn = 1,  // a device gave it to the network stack (netif_receive_skb)
  kDeviceOut,     // it was given to a device (net_dev_queue)
  kHook,          // it came by a netfilter hook
  kDropped,       // the kernel threw it away (kfree_skb), with reason and function
  kIcmpError,     // the kernel answers it with an ICMP error (icmp_send)
  kReset,         // the kernel answers it with a RST, or a RST for it came in
};
[[nodiscard]] std::string_view to_string(HopKind kind);  // "device-in", "device-out", "hook", "dropped", ...

// Hooks of the IP families (include/uapi/linux/netfilter.h), by the kernel's own numbers.
enum class NetfilterHook : std::uint8_t { kPrerouting = 0, kInput, kForward, kOutput, kPostrouting };
[[nodiscard]] std::string_view to_string(NetfilterHook hook);  // "prerouting", ...

// How connection tracking takes this packet (ctinfo of include/uapi/linux/netfilter/nf_conntrack_common.h).
enum class ConntrackInfo : std::uint8_t { kNone = 0, kInvalid, kUntracked, kNew, kEstablished, kRelated, kReply };
[[nodiscard]] std::string_view to_string(ConntrackInfo info);  // "none", "invalid", "untracked", "new", ...

// Its entry, of which `original` and `reply` are the first packet's tuple and the one that answers are looked for by:
// they differ where the entry translates.
struct HopConntrack {
  ConntrackInfo info = ConntrackInfo::kNone;
  std::uint32_t status = 0;  // IPS_* bits; 0x8 confirmed, 0x2 reply seen, 0x10 SNAT, 0x20 DNAT
  std::uint16_t zone = 0;
  std::uint32_t mark = 0;
  SocketAddress original_source, original_destination;  // unspecified without an entry
  SocketAddress reply_source, reply_destination;
  bool operator==(const HopConntrack&) const = default;
};

struct Hop {
  ProbeId probe = 0;
  HopKind kind = HopKind::kHook;
  bool answer = false;     // of the packet that answers the probe: SYN-ACK, reply, RST or ICMP error on its way back
  std::int64_t at_ns = 0;  // CLOCK_MONOTONIC of the node
  NamespaceName place;     // where: "" is the node itself
  std::string device;      // the packet's at this step; "" where it has none yet
  Protocol protocol = Protocol::kTcp;
  SocketAddress source, destination;                // as the packet has them here
  NetfilterHook hook = NetfilterHook::kPrerouting;  // kHook
  std::int32_t priority =
      0;  // kHook: where in the hook it was looked at; conntrack is at -200, DNAT at -100, SNAT at 100
  HopConntrack conntrack = {};
  std::string reason;    // kDropped: by the running kernel's own name ("NETFILTER_DROP"), or its number
  std::string function;  // kDropped: where in the kernel ("nft_do_chain"); "" where symbols may not be read
  std::uint8_t icmp_type = 0, icmp_code = 0;  // kIcmpError
  std::string packet = {};  // kDeviceIn, kDeviceOut: its bytes from the IP header on, as many as the walk could read
  bool operator==(const Hop&) const = default;
};

}  // namespace conntruth
