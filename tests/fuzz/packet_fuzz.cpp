// Any bytes as a packet from the wire. The parsers must stay within what they were given (the sanitizers see to that),
// and what they hand out must lie inside it.

#include "common/wire/checksum.hpp"
#include "common/wire/packet.hpp"
#include "common/wire/sctp_probe.hpp"
#include "common/wire/tcp_probe.hpp"
#include "tests/fuzz/check.hpp"

namespace wire = conntruth::wire;
using conntruth::Family;
using conntruth::fuzz::check;

namespace {

void inside(wire::Bytes part, wire::Bytes whole) {
  if (part.empty()) return;
  check(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size(),
        "a part lies inside of its packet");
}

void transport(wire::Bytes bytes) {
  if (const auto segment = wire::parse_tcp(bytes)) {
    inside(segment->payload, bytes);
    inside(segment->header.options, bytes);
    (void)wire::parse_syn(*segment);
    (void)wire::parse_syn_ack(*segment);
  }
  if (const auto datagram = wire::parse_udp(bytes)) {
    inside(datagram->payload, bytes);
    (void)wire::decode_probe_header(datagram->payload);
  }
  if (const auto packet = wire::parse_sctp(bytes)) {
    inside(packet->chunks, bytes);
    (void)wire::parse_init(*packet);
    (void)wire::parse_init_ack(*packet);
    (void)wire::is_abort(*packet);
  }
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (const auto error = wire::parse_icmp_error(family, bytes)) inside(error->quoted, bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const wire::Bytes bytes(data, size);
  transport(bytes);
  (void)wire::sctp_checksum_is_right(bytes);
  if (const auto packet = wire::parse_ip(bytes)) {
    inside(packet->payload, bytes);
    transport(packet->payload);
  }
  return 0;
}
