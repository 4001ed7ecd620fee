#pragma once
// A packet comes by a netfilter hook. A program does not learn the priority that it was attached with, so there is one
// for each place in the order of things; it accepts every packet.

#include "bpf/lib/report.h"

enum { NF_ACCEPT = 1 };

// As old as programs at these hooks are. Source: net/core/filter.c.
extern int bpf_dynptr_from_skb(struct sk_buff* skb, u64 flags, struct bpf_dynptr* pointer) __ksym __weak;

// Not inlined: what the kernel lends must not share its room with anything else.
static __noinline bool read_beyond(struct sk_buff* skb, u32 offset, u8* to) {
  struct bpf_dynptr pointer;
  return bpf_dynptr_from_skb(skb, 0, &pointer) == 0 && bpf_dynptr_read(to, 16, &pointer, offset, 0) == 0;
}

// Only here the kernel reads for us what lies in pages apart. A hook's packet begins with its IP header.
static __always_inline void load_beyond(struct sk_buff* skb, struct packet* packet) {
  struct hop_flow flow = {};
  struct tcp_data data;
  const u32 transport = load_ip(packet, packet->start, &flow);
  if (transport == 0 || flow.protocol != TCP || !load_tcp_data(packet, transport, &data)) return;
  if (data.size < sizeof packet->beyond || data.begin + sizeof packet->beyond <= packet->end) return;
  if (read_beyond(skb, data.begin - packet->start, packet->beyond)) packet->beyond_at = data.begin;
}

static __always_inline int look(const struct bpf_nf_ctx* context, s32 priority, bool tracked) {
  const struct sk_buff* skb = context->skb;
  const struct nf_hook_state* state = context->state;
  if (!has_length_of_probe(skb->len)) return NF_ACCEPT;
  const struct walk_place* place = place_of(BPF_CORE_READ(state, net));
  const struct net_device* out = BPF_CORE_READ(state, out);
  const struct step step = {
      .kind = HOP_HOOK, .hook = BPF_CORE_READ(state, hook), .priority = priority, .tracked = tracked};
  if (!place) return NF_ACCEPT;
  struct packet packet = {};
  find_packet(skb, false, &packet);
  load_beyond(context->skb, &packet);
  report_packet(&packet, skb, out ? out : BPF_CORE_READ(state, in), place, &step);
  return NF_ACCEPT;
}

SEC("netfilter")
int before_conntrack(struct bpf_nf_ctx* context) { return look(context, -201, false); }

SEC("netfilter")
int after_conntrack(struct bpf_nf_ctx* context) { return look(context, -199, true); }

SEC("netfilter")
int after_dnat(struct bpf_nf_ctx* context) { return look(context, -99, true); }

SEC("netfilter")
int after_snat(struct bpf_nf_ctx* context) { return look(context, 101, true); }
