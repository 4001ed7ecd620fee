#pragma once
// Classic BPF socket filters: which packets of a namespace a socket of ours sees. They match only packets that carry
// the probe magic or an answer's shape, so that a busy host costs us a filter run and no copy.
// Raw IPv4 sockets see the IP header first, raw IPv6 sockets the transport header, TCP listeners the TCP header.

#include <linux/filter.h>

#include <vector>

#include "common/address.hpp"
#include "common/result.hpp"

namespace conntruth::io {

using Filter = std::vector<sock_filter>;

[[nodiscard]] Filter hide_probe_syns();                 // for a TCP listener
[[nodiscard]] Filter only_probe_syns(Family family);    // for a responder's raw TCP socket
[[nodiscard]] Filter only_tcp_answers(Family family);   // SYN-ACK with identity or to a crafted port; RST-ACK
[[nodiscard]] Filter only_udp_answers(Family family);   // answers to crafted requests
[[nodiscard]] Filter only_sctp_inits(Family family);    // first chunk INIT
[[nodiscard]] Filter only_sctp_answers(Family family);  // first chunk INIT-ACK or ABORT

[[nodiscard]] Status attach_filter(int fd, const Filter& filter);
// ICMP errors only, out of all ICMP of the namespace (`fd` is a raw ICMP or ICMPv6 socket).
[[nodiscard]] Status only_icmp_errors(int fd, Family family);

}  // namespace conntruth::io
