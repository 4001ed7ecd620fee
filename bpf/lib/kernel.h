#pragma once
// What the programs read of the kernel's types, and nothing else of them: CO-RE finds every field in the running
// kernel's own. Source: include/linux/skbuff.h, netdevice.h, netfilter.h, net/netfilter/nf_conntrack.h of Linux.

#include <stdbool.h>

#include "bpf/abi/hop_event.h"

typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

// By the numbers of include/uapi/linux/bpf.h.
enum { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_LRU_HASH = 9, BPF_MAP_TYPE_RINGBUF = 27 };

#include <bpf/bpf_helpers.h>

struct bpf_dynptr {
  u64 opaque[2];
};

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
  unsigned int inum;
};
struct net {
  struct ns_common ns;
};
typedef struct {
  struct net* net;
} possible_net_t;

struct net_device {
  char name[16];
  possible_net_t nd_net;
};

struct sock_common {
  possible_net_t skc_net;
};
struct sock {
  struct sock_common __sk_common;
};
struct dst_entry {
  struct net_device* dev;
};

struct sk_buff {
  struct net_device* dev;
  struct sock* sk;
  unsigned long _skb_refdst;
  unsigned long _nfct;
  unsigned int len;
  u16 network_header;
  unsigned int tail;
  unsigned char* head;
  unsigned char* data;
};

struct nf_hook_state {
  u8 hook;
  u8 pf;
  struct net_device* in;
  struct net_device* out;
  struct net* net;
};

union nf_inet_addr {
  u32 all[4];
};
union nf_conntrack_man_proto {
  __be16 all;
};
struct nf_conntrack_man {
  union nf_inet_addr u3;
  union nf_conntrack_man_proto u;
  u16 l3num;
};
struct nf_conntrack_tuple {
  struct nf_conntrack_man src;
  struct {
    union nf_inet_addr u3;
    union {
      __be16 all;
    } u;
    u8 protonum;
  } dst;
};
struct nf_conntrack_tuple_hash {
  struct nf_conntrack_tuple tuple;
};
struct nf_conntrack_zone {
  u16 id;
};
struct nf_conn {
  struct nf_conntrack_zone zone;
  struct nf_conntrack_tuple_hash tuplehash[2];
  unsigned long status;
  u32 mark;
};

#pragma clang attribute pop

// The context of a netfilter program, which the verifier knows by its offsets.
struct bpf_nf_ctx {
  const struct nf_hook_state* state;
  struct sk_buff* skb;
};

enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 10 };  // PF_INET, PF_INET6
