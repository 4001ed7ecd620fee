#pragma once
// What the programs share among each other and with the agent.

#include "bpf/lib/kernel.h"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 20);  // bytes; the agent may ask for another size
} events SEC(".maps");

// Events that found no room.
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, u32);
  __type(value, u64);
} lost SEC(".maps");

// The network namespaces that are looked at, by inode. One kernel can have several nodes.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __type(key, u32);
  __type(value, struct walk_place);
} places SEC(".maps");

// Probes that were seen lately, as they were addressed at some place: by these, answers that carry no id are known.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct hop_flow);
  __type(value, u64);
} seen SEC(".maps");

// A segment of a probe's connection: by its flow and numbers it is known where its bytes cannot be read.
struct segment {
  u64 probe;
  u32 sequence;  // of its first byte
  u32 behind;    // of the byte after its last: what the answer acknowledges
};

// The last one of each flow, as it was addressed at some place.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 16384);
  __type(key, struct hop_flow);
  __type(value, struct segment);
} segments SEC(".maps");

static __always_inline void count_lost(void) {
  u32 zero = 0;
  u64* count = bpf_map_lookup_elem(&lost, &zero);
  if (count) ++*count;
}
