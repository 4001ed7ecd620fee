#pragma once
// Bytes of a packet: what lies in the linear part of its buffer, as a probe's headers always do, and of what a socket
// sends over TCP, which newer kernels keep in pages apart, the first bytes where a hook could read them.

#include "bpf/lib/kernel.h"

// The shortest packet that can be of a probe is an IPv4 ABORT of 36 bytes, the longest an ICMPv6 error that quotes an
// INIT in full: 188; a device's own header comes on top.
enum { SHORTEST = 36, LONGEST = 256 };

static __always_inline bool has_length_of_probe(unsigned int length) { return length >= SHORTEST && length <= LONGEST; }

struct packet {
  const unsigned char* head;
  u32 start;  // of the IP header
  u32 end;
  u32 beyond_at;  // where `beyond` begins; 0 where it is not known
  u8 beyond[16];
};

static __always_inline bool load(const struct packet* packet, u32 at, void* to, u32 size) {
  if (packet->beyond_at && at == packet->beyond_at && size == sizeof packet->beyond) {
    __builtin_memcpy(to, packet->beyond, sizeof packet->beyond);
    return true;
  }
  if (at > packet->end || packet->end - at < size) return false;
  return bpf_probe_read_kernel(to, size, packet->head + at) == 0;
}

static __always_inline u16 get16(const u8* bytes) { return (u16)(bytes[0] << 8 | bytes[1]); }
static __always_inline u32 get32(const u8* bytes) { return (u32)get16(bytes) << 16 | get16(bytes + 2); }
static __always_inline u64 get64(const u8* bytes) { return (u64)get32(bytes) << 32 | get32(bytes + 4); }

enum { ICMP4 = 1, TCP = 6, UDP = 17, ICMP6 = 58, SCTP = 132 };

// Addresses and ports of the packet at `at`; where its transport header starts, or 0. `flow` is all zero before.
static __always_inline u32 load_ip4(const struct packet* packet, u32 at, struct hop_flow* flow) {
  u8 header[20];
  if (!load(packet, at, header, sizeof header)) return 0;
  if (get16(header + 6) & 0x1FFF) return 0;  // a later fragment
  flow->family = 4;
  flow->protocol = header[9];
  __builtin_memcpy(flow->source, header + 12, 4);
  __builtin_memcpy(flow->destination, header + 16, 4);
  return at + (header[0] & 15) * 4;
}

static __always_inline u32 load_ip6(const struct packet* packet, u32 at, struct hop_flow* flow) {
  u8 header[40];
  if (!load(packet, at, header, sizeof header)) return 0;
  flow->family = 6;
  flow->protocol = header[6];
  __builtin_memcpy(flow->source, header + 8, 16);
  __builtin_memcpy(flow->destination, header + 24, 16);
  return at + sizeof header;
}

// What a TCP segment carries.
struct tcp_data {
  u32 sequence;
  u32 acknowledgement;
  u32 begin;
  u32 size;
};

// False where it carries nothing.
static __always_inline bool load_tcp_data(const struct packet* packet, u32 transport, struct tcp_data* data) {
  u8 ip[8];
  u8 header[20];
  if (!load(packet, packet->start, ip, sizeof ip) || !load(packet, transport, header, sizeof header)) return false;
  const u32 end = packet->start + (ip[0] >> 4 == 4 ? get16(ip + 2) : 40 + get16(ip + 4));
  data->sequence = get32(header + 4);
  data->acknowledgement = get32(header + 8);
  data->begin = transport + (header[12] >> 4) * 4;
  data->size = end - data->begin;
  return end > data->begin;
}

static __always_inline u32 load_ip(const struct packet* packet, u32 at, struct hop_flow* flow) {
  u8 version;
  u8 ports[4];
  if (!load(packet, at, &version, 1)) return 0;
  u32 transport = 0;
  if (version >> 4 == 4) transport = load_ip4(packet, at, flow);
  if (version >> 4 == 6) transport = load_ip6(packet, at, flow);
  if (transport == 0) return 0;
  if (flow->protocol == ICMP4 || flow->protocol == ICMP6) return transport;
  if (flow->protocol != TCP && flow->protocol != UDP && flow->protocol != SCTP) return 0;
  if (!load(packet, transport, ports, sizeof ports)) return 0;
  flow->source_port = get16(ports);
  flow->destination_port = get16(ports + 2);
  return transport;
}
