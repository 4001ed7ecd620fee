#pragma once
// Whose packet it is: the wire formats of common/wire, read at the offsets where our own packets have them.

#include "bpf/lib/maps.h"
#include "bpf/lib/packet.h"

enum { PROBE_MAGIC = 0x637470A7, EXPERIMENT = 0xFE06 };
enum { REQUEST = 1, ANSWER = 2 };

struct identity {
  u64 probe;
  u8 answer;
  u8 protocol;  // the probe's
  u8 icmp_type;
  u8 icmp_code;
};

// ---- packets that carry the id ----

// The probe header (common/wire/probe_header.hpp) at `at`: its id, and whether it is an answer's.
static __always_inline bool load_header(const struct packet* packet, u32 at, struct identity* found) {
  u8 header[16];
  if (!load(packet, at, header, sizeof header)) return false;
  if (get32(header) != PROBE_MAGIC || (header[5] != REQUEST && header[5] != ANSWER)) return false;
  found->probe = get64(header + 8);
  found->answer = header[5] == ANSWER;
  return true;
}

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

// common/wire/tcp_probe.hpp: the experiment is the first option of both, a SYN-ACK's timestamps follow behind it.
static __always_inline bool load_tcp(const struct packet* packet, u32 at, struct identity* found) {
  u8 header[36];
  u8 echo[4];
  if (!load(packet, at, header, sizeof header)) return false;
  if (get32(header + 22) != PROBE_MAGIC) return false;
  const u8 flags = header[13] & (FIN | SYN | RST | ACK);
  if (flags == SYN && get16(header + 20) == EXPERIMENT) {
    found->probe = (u64)get32(header + 32) << 32 | get32(header + 4);
    return true;
  }
  const u32 behind = header[21];
  if (flags != (SYN | ACK) || header[20] != EXPERIMENT >> 8 || behind > 30) return false;
  if (!load(packet, at + 20 + behind + 6, echo, sizeof echo)) return false;
  found->probe = (u64)get32(echo) << 32 | (u32)(get32(header + 8) - 1);
  found->answer = 1;
  return true;
}

enum { SCTP_HEADER = 12, SCTP_INIT = 1, SCTP_INIT_ACK = 2, SCTP_ABORT = 6 };

// common/wire/sctp_probe.hpp: the probe header in the first parameter of INIT and INIT-ACK.
static __always_inline bool load_sctp(const struct packet* packet, u32 at, struct identity* found) {
  u8 type;
  if (!load(packet, at + SCTP_HEADER, &type, 1)) return false;
  if (type != SCTP_INIT && type != SCTP_INIT_ACK) return false;
  return load_header(packet, at + SCTP_HEADER + 24, found);
}

static __always_inline bool load_id(const struct packet* packet, u32 at, u8 protocol, struct identity* found) {
  if (protocol == UDP) return load_header(packet, at + 8, found);
  if (protocol == TCP) return load_tcp(packet, at, found);
  return load_sctp(packet, at, found);
}

// ---- packets that do not, of flows that were seen ----

// What a TCP answer acknowledges or an ABORT is tagged with is one more than the low half of the id.
static __always_inline bool answers(const struct packet* packet, u32 at, u8 protocol, u64 probe) {
  u8 header[14];
  if (!load(packet, at, header, sizeof header)) return false;
  if (protocol == TCP) return (header[13] & ACK) && get32(header + 8) == (u32)probe + 1;
  return protocol == SCTP && header[SCTP_HEADER] == SCTP_ABORT && get32(header + 4) == (u32)probe + 1;
}

static __always_inline void reverse(const struct hop_flow* flow, struct hop_flow* other) {
  other->family = flow->family;
  other->protocol = flow->protocol;
  other->source_port = flow->destination_port;
  other->destination_port = flow->source_port;
  __builtin_memcpy(other->source, flow->destination, 16);
  __builtin_memcpy(other->destination, flow->source, 16);
}

static __always_inline bool recall_answer(const struct packet* packet, u32 at, const struct hop_flow* flow,
                                          struct identity* found) {
  struct hop_flow probe = {};
  reverse(flow, &probe);
  const u64* id = bpf_map_lookup_elem(&seen, &probe);
  if (!id || !answers(packet, at, flow->protocol, *id)) return false;
  found->probe = *id;
  found->answer = 1;
  return true;
}

// An ICMP error is known by the packet that it quotes, of which routers need not quote more than eight bytes.
static __always_inline bool load_icmp(const struct packet* packet, u32 at, u8 protocol, struct identity* found) {
  u8 header[2];
  struct hop_flow quoted = {};
  if (!load(packet, at, header, sizeof header)) return false;
  if (protocol == ICMP4 && header[0] != 3 && header[0] != 11 && header[0] != 12) return false;
  if (protocol == ICMP6 && (header[0] < 1 || header[0] > 4)) return false;
  const u32 transport = load_ip(packet, at + 8, &quoted);
  if (transport == 0 || quoted.protocol == ICMP4 || quoted.protocol == ICMP6) return false;
  if (!load_id(packet, transport, quoted.protocol, found)) {
    const u64* id = bpf_map_lookup_elem(&seen, &quoted);
    if (!id) return false;
    found->probe = *id;
  }
  found->protocol = quoted.protocol;
  found->icmp_type = header[0];
  found->icmp_code = header[1];
  found->answer = 1;
  return true;
}

// ---- what sockets send over TCP: the probe header is the first that a segment carries ----

static __noinline bool load_segment(const struct packet* packet, u32 transport, const struct hop_flow* flow,
                                    struct identity* found) {
  struct tcp_data data;
  if (!load_tcp_data(packet, transport, &data)) return false;
  if (load_header(packet, data.begin, found)) {
    const struct segment seen_now = {
        .probe = found->probe, .sequence = data.sequence, .behind = data.sequence + data.size};
    if (!found->answer) bpf_map_update_elem(&segments, flow, &seen_now, 0);
    return true;
  }
  const struct segment* known = bpf_map_lookup_elem(&segments, flow);
  if (known && known->sequence == data.sequence) {
    found->probe = known->probe;
    return true;
  }
  struct hop_flow request = {};
  reverse(flow, &request);
  known = bpf_map_lookup_elem(&segments, &request);
  if (!known || known->behind != data.acknowledgement) return false;
  found->probe = known->probe;
  found->answer = 1;
  return true;
}

// ---- all of them ----

// `flow` and `found` are all zero before.
static __noinline bool identify(const struct packet* packet, struct hop_flow* flow, struct identity* found) {
  const u32 transport = load_ip(packet, packet->start, flow);
  if (transport == 0) return false;
  found->protocol = flow->protocol;
  if (flow->protocol == ICMP4 || flow->protocol == ICMP6) {
    if (!load_icmp(packet, transport, flow->protocol, found)) return false;
    flow->protocol = found->protocol;
    return true;
  }
  if (!load_id(packet, transport, flow->protocol, found)) {
    if (flow->protocol == TCP && load_segment(packet, transport, flow, found)) return true;
    return recall_answer(packet, transport, flow, found);
  }
  if (!found->answer) bpf_map_update_elem(&seen, flow, &found->probe, 0);
  return true;
}
