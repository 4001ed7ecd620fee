#pragma once
// From a packet at a step to its event, if it is a probe's and at a place that is looked at.

#include "bpf/lib/conntrack.h"
#include "bpf/lib/identify.h"
#include "bpf/lib/maps.h"
#include "bpf/lib/packet.h"

// What a program knows besides the packet.
struct step {
  u64 location;
  u32 reason;
  s32 priority;
  u8 kind;
  u8 hook;
  u8 icmp_type;
  u8 icmp_code;
  bool tracked;
  bool at_data;  // the IP header is where the packet's data begin, not yet where its network header is noted
};

static __always_inline const struct walk_place* place_of(const struct net* net) {
  u32 inode = net ? BPF_CORE_READ(net, ns.inum) : 0;
  return bpf_map_lookup_elem(&places, &inode);
}

static __always_inline const struct walk_place* place_of_device(const struct net_device* device) {
  return device ? place_of(BPF_CORE_READ(device, nd_net.net)) : 0;
}

// A packet has a device, or a socket that sends it, or a route; some steps come before all but one of them. What the
// pointers name is only looked up, so that one which means something else in this state is harmless.
static __always_inline const struct walk_place* place_of_packet(const struct sk_buff* skb) {
  const struct walk_place* place = place_of_device(BPF_CORE_READ(skb, dev));
  const struct sock* sk = BPF_CORE_READ(skb, sk);
  if (!place && sk) place = place_of(BPF_CORE_READ(sk, __sk_common.skc_net.net));
  if (place) return place;
  const struct dst_entry* route = (const void*)(BPF_CORE_READ(skb, _skb_refdst) & ~1UL);
  return route ? place_of_device(BPF_CORE_READ(route, dev)) : 0;
}

static __always_inline void find_packet(const struct sk_buff* skb, bool at_data, struct packet* packet) {
  packet->head = BPF_CORE_READ(skb, head);
  packet->end = BPF_CORE_READ(skb, tail);
  packet->start = at_data ? (u32)(BPF_CORE_READ(skb, data) - packet->head) : BPF_CORE_READ(skb, network_header);
}

// What is known of a packet at a step.
struct sighting {
  struct hop_flow flow;
  struct identity found;
};

static __always_inline void fill(struct hop_event* event, const struct sighting* seen_now, const struct sk_buff* skb,
                                 const struct net_device* device, const struct walk_place* place,
                                 const struct step* step) {
  event->at_ns = bpf_ktime_get_ns();
  event->probe = seen_now->found.probe;
  event->answer = seen_now->found.answer;
  event->flow = seen_now->flow;
  event->place = place->index;
  event->kind = step->kind;
  event->hook = step->hook;
  event->priority = step->priority;
  event->location = step->location;
  event->reason = step->reason;
  event->icmp_type = step->kind == HOP_ICMP_ERROR ? step->icmp_type : seen_now->found.icmp_type;
  event->icmp_code = step->kind == HOP_ICMP_ERROR ? step->icmp_code : seen_now->found.icmp_code;
  if (device) bpf_core_read_str(event->device, sizeof event->device, &device->name);
  read_conntrack(skb, step->tracked && (event->flow.family == 4 ? place->tracked4 : place->tracked6), event);
}

static __always_inline void report_packet(const struct packet* packet, const struct sk_buff* skb,
                                          const struct net_device* device, const struct walk_place* place,
                                          const struct step* step) {
  struct sighting seen_now = {};
  if (!identify(packet, &seen_now.flow, &seen_now.found)) return;
  struct hop_event* event = bpf_ringbuf_reserve(&events, sizeof *event, 0);
  if (!event) return count_lost();
  __builtin_memset(event, 0, sizeof *event);
  fill(event, &seen_now, skb, device, place, step);
  bpf_ringbuf_submit(event, 0);
}

static __always_inline void report(const struct sk_buff* skb, const struct net_device* device,
                                   const struct walk_place* place, const struct step* step) {
  struct packet packet = {};
  find_packet(skb, step->at_data, &packet);
  report_packet(&packet, skb, device, place, step);
}

// The bytes that lie in the linear part. A function of its own, as that has the type described in the object (BTF); the
// verifier has to see the bound, so the compiler must not move it.
static __noinline void copy_bytes(const struct packet* packet, struct packet_event* event) {
  u32 size = packet->end > packet->start ? packet->end - packet->start : 0;
  asm volatile("" : "+r"(size));
  if (size > sizeof event->bytes) size = sizeof event->bytes;
  if (bpf_probe_read_kernel(event->bytes, size, packet->head + packet->start) == 0) event->size = size;
}

// At a device, with its bytes.
static __always_inline void report_at_device(const struct sk_buff* skb, const struct net_device* device,
                                             const struct walk_place* place, const struct step* step) {
  struct packet packet = {};
  struct sighting seen_now = {};
  find_packet(skb, step->at_data, &packet);
  if (!identify(&packet, &seen_now.flow, &seen_now.found)) return;
  struct packet_event* event = bpf_ringbuf_reserve(&events, sizeof *event, 0);
  if (!event) return count_lost();
  __builtin_memset(event, 0, sizeof *event);
  fill(&event->hop, &seen_now, skb, device, place, step);
  copy_bytes(&packet, event);
  bpf_ringbuf_submit(event, 0);
}
