#include "agent/respond/raw_responders.hpp"

#include "agent/io/filter.hpp"
#include "agent/io/socket.hpp"
#include "common/wire/checksum.hpp"
#include "common/wire/sctp_probe.hpp"
#include "common/wire/tcp_probe.hpp"

namespace conntruth::respond {

void RawResponder::ready(Desk& desk) {
  const auto count = desk.received.receive(fd());
  for (std::size_t i = 0; i < count; ++i) handle(desk, i);
  if (count > 0) note_overflow(desk, count - 1);
  desk.flush_answers(sender_.get());
}

void RawResponder::handle(Desk& desk, std::size_t index) {
  const auto data = desk.received.data(index);
  IpAddress source;
  IpAddress destination;
  auto transport = data;
  if (family_ == Family::kIpv4) {
    const auto packet = wire::parse_ip(data);
    if (!packet) return;
    source = packet->source;
    destination = packet->destination;
    transport = packet->payload;
  } else {
    const auto local = desk.received.destination(index);
    if (!local) return;
    source = desk.received.source(index).address;
    destination = *local;
  }
  const auto size = answer(desk, source, destination, transport, desk.answers.next());
  if (size > 0) desk.answers.add(size, {source, 0});
}

std::uint32_t RawResponder::responder_at(std::uint16_t port) const {
  const auto found = ports_.find(port);
  return found == ports_.end() ? 0 : found->second;
}

void RawResponder::sight(Desk& desk, ProbeId id, std::uint32_t responder, const SocketAddress& source) {
  desk.sights.push_back({.id = id, .responder = responder, .source = source, .received_ns = desk.clock.now_ns()});
}

namespace {

template <typename Responder>
Result<std::unique_ptr<Handler>> open_raw(Family family, int protocol, const io::Filter& filter,
                                          const PortTable& ports) {
  auto receiver = io::open_raw_receiver(family, protocol, [&](int fd) { return io::attach_filter(fd, filter); });
  if (!receiver) return std::unexpected(receiver.error());
  auto sender = io::open_raw_sender(family);
  if (!sender) return std::unexpected(sender.error());
  return std::make_unique<Responder>(std::move(*receiver), std::move(*sender), family, ports);
}

}  // namespace

Result<std::unique_ptr<Handler>> SynResponder::open(Family family, const PortTable& ports) {
  return open_raw<SynResponder>(family, IPPROTO_TCP, io::only_probe_syns(family), ports);
}

// A SYN to a port without a responder is the kernel's to refuse.
std::size_t SynResponder::answer(Desk& desk, const IpAddress& source, const IpAddress& destination,
                                 wire::Bytes transport, wire::MutableBytes out) {
  const auto segment = wire::parse_tcp(transport);
  const auto id = segment ? wire::parse_syn(*segment) : std::nullopt;
  const auto responder = segment ? responder_at(segment->destination_port) : 0;
  if (!id || responder == 0) return 0;
  const wire::Endpoints back{.source = {destination, segment->destination_port},
                             .destination = {source, segment->source_port}};
  sight(desk, *id, responder, back.destination);
  return wire::build_syn_ack(out, back, *id, responder);
}

Result<std::unique_ptr<Handler>> SctpResponder::open(Family family, const PortTable& ports) {
  return open_raw<SctpResponder>(family, IPPROTO_SCTP, io::only_sctp_inits(family), ports);
}

std::size_t SctpResponder::answer(Desk& desk, const IpAddress& source, const IpAddress& destination,
                                  wire::Bytes transport, wire::MutableBytes out) {
  const auto packet = wire::parse_sctp(transport);
  const auto init = packet ? wire::parse_init(*packet) : std::nullopt;
  if (!init) return 0;
  if (!wire::sctp_checksum_is_right(transport)) {
    desk.losses.add(io::Loss::kBadChecksum);
    return 0;
  }
  const wire::Endpoints back{.source = {destination, packet->destination_port},
                             .destination = {source, packet->source_port}};
  const auto responder = responder_at(packet->destination_port);
  if (responder == 0 || !init->id) return wire::build_abort(out, back, init->initiate_tag);
  sight(desk, *init->id, responder, back.destination);
  return wire::build_init_ack(out, back, *init->id, responder);
}

}  // namespace conntruth::respond
