#pragma once
// A packet is given to a device, in any namespace.

#include "bpf/lib/report.h"

SEC("tp_btf/net_dev_queue")
int BPF_PROG(device_out, struct sk_buff* skb) {
  if (!has_length_of_probe(skb->len)) return 0;
  const struct net_device* device = BPF_CORE_READ(skb, dev);
  const struct walk_place* place = place_of_device(device);
  const struct step step = {.kind = HOP_DEVICE_OUT};
  if (place) report_at_device(skb, device, place, &step);
  return 0;
}
