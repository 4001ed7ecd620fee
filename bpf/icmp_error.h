#pragma once
// The kernel answers a packet with an ICMP error. IPv4 only: for IPv6 there is no such tracepoint, and its errors are
// seen as the packets that they are.

#include "bpf/lib/report.h"

SEC("tp_btf/icmp_send")
int BPF_PROG(icmp_error, const struct sk_buff* skb, int type, int code) {
  if (!has_length_of_probe(skb->len)) return 0;
  const struct walk_place* place = place_of_packet(skb);
  const struct step step = {.kind = HOP_ICMP_ERROR, .icmp_type = (u8)type, .icmp_code = (u8)code};
  if (place) report(skb, BPF_CORE_READ(skb, dev), place, &step);
  return 0;
}
