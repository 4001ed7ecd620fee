#pragma once
// What the walk's programs write and conntruth-agent reads: one event per step of a probe's packet. The only types that
// both sides share; plain C, so that both compilers read this very file. The layout is asserted here by both, and
// against the program's own BTF by a unit test. Numbers are the host's but for addresses.

#ifdef __cplusplus
#include <cstdint>
#define HOP_ASSERT static_assert
namespace conntruth::abi {
using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using s32 = std::int32_t;
using u64 = std::uint64_t;
#else
#define HOP_ASSERT _Static_assert
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
#endif

// enum HopKind of common/model/hop.hpp, by number.
enum hop_kind {
  HOP_DEVICE_IN = 1,
  HOP_DEVICE_OUT = 2,
  HOP_HOOK = 3,
  HOP_DROPPED = 4,
  HOP_ICMP_ERROR = 5,
  HOP_RESET = 6,
};

// enum ConntrackInfo of common/model/hop.hpp, by number.
enum hop_conntrack {
  HOP_CT_NONE = 0,
  HOP_CT_INVALID = 1,
  HOP_CT_UNTRACKED = 2,
  HOP_CT_NEW = 3,
  HOP_CT_ESTABLISHED = 4,
  HOP_CT_RELATED = 5,
  HOP_CT_REPLY = 6,
};

// Addresses of both families have 16 bytes, of which IPv4 uses the first four and leaves the rest zero. One direction
// of a flow, and the key by which answers without an id are known.
struct hop_flow {
  u8 family;    // 4 or 6
  u8 protocol;  // IANA number: 6, 17, 132
  u16 source_port;
  u16 destination_port;
  u16 unused;  // zero
  u8 source[16];
  u8 destination[16];
};

struct hop_event {
  u64 at_ns;     // CLOCK_MONOTONIC
  u64 probe;     // its id
  u64 location;  // HOP_DROPPED: a kernel address
  u32 place;     // index of the network namespace among those that are looked at
  u32 reason;    // HOP_DROPPED: enum skb_drop_reason of the running kernel; 0 where it has none
  s32 priority;  // HOP_HOOK
  u32 ct_status;
  u32 ct_mark;
  u16 ct_zone;
  u8 kind;    // enum hop_kind
  u8 answer;  // 0 or 1
  u8 hook;    // HOP_HOOK: 0..4
  u8 ct_info;
  u8 icmp_type;  // HOP_ICMP_ERROR, and packets that are an ICMP error; else both 0
  u8 icmp_code;
  char device[16];           // ends with a zero
  struct hop_flow flow;      // the packet's, but the protocol of an ICMP error is that of the packet which it quotes
  u32 unused;                // zero
  struct hop_flow original;  // of connection tracking's entry; family 0 without one
  struct hop_flow reply;
};

enum { HOP_PACKET = 256 };

// HOP_DEVICE_IN and HOP_DEVICE_OUT: the packet's bytes come along, from its IP header on.
struct packet_event {
  struct hop_event hop;
  u32 size;  // of `bytes`, at most HOP_PACKET; what the packet has in pages apart is not among them
  u32 unused;
  u8 bytes[HOP_PACKET];
};

// What is known of a network namespace that is looked at.
struct walk_place {
  u32 index;
  u8 tracked4;  // 1: connection tracking sees packets of IPv4 there
  u8 tracked6;
  u16 unused;
};

HOP_ASSERT(sizeof(struct hop_flow) == 40, "hop_flow");
HOP_ASSERT(sizeof(struct walk_place) == 8, "walk_place");
HOP_ASSERT(sizeof(struct hop_event) == 192, "hop_event");
HOP_ASSERT(sizeof(struct packet_event) == 456, "packet_event");
HOP_ASSERT(__builtin_offsetof(struct hop_event, kind) == 46, "hop_event.kind");
HOP_ASSERT(__builtin_offsetof(struct hop_event, device) == 52, "hop_event.device");
HOP_ASSERT(__builtin_offsetof(struct hop_event, flow) == 68, "hop_event.flow");
HOP_ASSERT(__builtin_offsetof(struct hop_event, reply) == 152, "hop_event.reply");

#ifdef __cplusplus
}  // namespace conntruth::abi
#endif
#undef HOP_ASSERT
