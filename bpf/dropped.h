#pragma once
// The kernel throws a packet away. Kernels before 5.17 give no reason: the agent loads the one program that fits.

#include "bpf/lib/report.h"

static __always_inline int drop(const struct sk_buff* skb, const void* location, u32 reason) {
  if (!has_length_of_probe(skb->len)) return 0;
  const struct walk_place* place = place_of_packet(skb);
  const struct step step = {.kind = HOP_DROPPED, .location = (u64)location, .reason = reason};
  if (place) report(skb, BPF_CORE_READ(skb, dev), place, &step);
  return 0;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(dropped, struct sk_buff* skb, void* location, u32 reason) { return drop(skb, location, reason); }

SEC("tp_btf/kfree_skb")
int BPF_PROG(dropped_without_reason, struct sk_buff* skb, void* location) { return drop(skb, location, 0); }
