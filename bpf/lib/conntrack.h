#pragma once
// What connection tracking says of a packet. Source: include/net/netfilter/nf_conntrack.h,
// include/uapi/linux/netfilter/nf_conntrack_common.h.

#include "bpf/lib/kernel.h"

enum { CT_ESTABLISHED = 0, CT_RELATED = 1, CT_NEW = 2, CT_REPLY = 3, CT_RELATED_REPLY = 4, CT_UNTRACKED = 7 };
enum { IPS_TEMPLATE = 1 << 11 };

static __always_inline u8 conntrack_info(unsigned long info) {
  switch (info) {
    case CT_ESTABLISHED:
      return HOP_CT_ESTABLISHED;
    case CT_NEW:
      return HOP_CT_NEW;
    case CT_REPLY:
      return HOP_CT_REPLY;
    case CT_RELATED:
    case CT_RELATED_REPLY:
      return HOP_CT_RELATED;
    default:
      return HOP_CT_UNTRACKED;
  }
}

static __always_inline void read_tuple(const struct nf_conntrack_tuple* tuple, struct hop_flow* flow) {
  const u16 family = BPF_CORE_READ(tuple, src.l3num);
  flow->family = family == FAMILY_IPV6 ? 6 : 4;
  flow->protocol = BPF_CORE_READ(tuple, dst.protonum);
  flow->source_port = __builtin_bswap16(BPF_CORE_READ(tuple, src.u.all));
  flow->destination_port = __builtin_bswap16(BPF_CORE_READ(tuple, dst.u.all));
  const u32 size = family == FAMILY_IPV6 ? 16 : 4;
  bpf_core_read(flow->source, size, &tuple->src.u3);
  bpf_core_read(flow->destination, size, &tuple->dst.u3);
}

// Not inlined: the types of its parameters stand in the object's BTF, where a test compares the event's layout with
// the agent's.
// `tracked`: the packet has come by connection tracking in this namespace, so that no entry means that it is invalid.
static __noinline void read_conntrack(const struct sk_buff* skb, bool tracked, struct hop_event* event) {
  const unsigned long value = BPF_CORE_READ(skb, _nfct);
  const struct nf_conn* entry = (const void*)(value & ~7UL);
  event->ct_info = tracked ? HOP_CT_INVALID : HOP_CT_NONE;
  if (value == 0) return;
  event->ct_info = conntrack_info(value & 7);
  if (event->ct_info == HOP_CT_UNTRACKED || !entry) return;
  const unsigned long status = BPF_CORE_READ(entry, status);
  if (status & IPS_TEMPLATE) {  // of a rule that names a zone: not yet an entry
    event->ct_info = HOP_CT_NONE;
    return;
  }
  event->ct_status = (u32)status;
  if (bpf_core_field_exists(entry->zone)) event->ct_zone = BPF_CORE_READ(entry, zone.id);
  if (bpf_core_field_exists(entry->mark)) event->ct_mark = BPF_CORE_READ(entry, mark);
  read_tuple(&entry->tuplehash[0].tuple, &event->original);
  read_tuple(&entry->tuplehash[1].tuple, &event->reply);
}
