#pragma once
// A device gives a packet to the network stack, in any namespace.

#include "bpf/lib/report.h"

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(device_in, struct sk_buff* skb) {
  if (!has_length_of_probe(skb->len)) return 0;
  const struct net_device* device = BPF_CORE_READ(skb, dev);
  const struct walk_place* place = place_of_device(device);
  const struct step step = {.kind = HOP_DEVICE_IN, .at_data = true};
  if (place) report_at_device(skb, device, place, &step);
  return 0;
}
