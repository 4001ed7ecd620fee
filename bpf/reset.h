#pragma once
// The kernel answers a packet with a RST. One that comes in for a probe meets no socket of the kernel, so that
// tcp_receive_reset never has it: it is seen as the packet that it is.

#include "bpf/lib/report.h"

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(reset, const struct sock* sk, const struct sk_buff* skb) {
  if (!skb || !has_length_of_probe(skb->len)) return 0;
  const struct walk_place* place = place_of_packet(skb);
  const struct step step = {.kind = HOP_RESET};
  if (place) report(skb, BPF_CORE_READ(skb, dev), place, &step);
  return 0;
}
