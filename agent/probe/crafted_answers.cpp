// The receiving half of Crafted: which flight an answer, a reset or an ICMP error belongs to.
#include <sys/socket.h>

#include "agent/io/error_queue.hpp"
#include "agent/io/filter.hpp"
#include "agent/io/socket.hpp"
#include "agent/probe/crafted.hpp"
#include "common/wire/checksum.hpp"
#include "common/wire/sctp_probe.hpp"
#include "common/wire/tcp_probe.hpp"

namespace conntruth::probe {

namespace {

constexpr int kBatchesPerTurn = 64;  // then deadlines and sends get their turn

Status attach(int fd, Family family, std::uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return io::attach_filter(fd, io::only_tcp_answers(family));
    case IPPROTO_UDP:
      return io::attach_filter(fd, io::only_udp_answers(family));
    case IPPROTO_SCTP:
      return io::attach_filter(fd, io::only_sctp_answers(family));
  }
  return io::only_icmp_errors(fd, family);
}

}  // namespace

Status Crafted::open_receiver(Family family, std::uint8_t protocol) {
  for (const auto& receiver : receivers_) {
    if (receiver.family == family && receiver.protocol == protocol) return {};
  }
  auto fd = io::open_raw_receiver(family, protocol, [&](int raw) { return attach(raw, family, protocol); });
  if (!fd) return std::unexpected(fd.error());
  if (auto added = desk_.poller.add(fd->get(), EPOLLIN, receivers_.size() + 1); !added) return added;
  receivers_.push_back({std::move(*fd), family, protocol, 0});
  return {};
}

void Crafted::ready(std::uint64_t token, std::uint32_t /*events*/, std::int64_t now_ns) {
  if (token == 0 || token > receivers_.size()) return;
  auto& receiver = receivers_[token - 1];
  for (int turn = 0; turn < kBatchesPerTurn; ++turn) {
    const auto count = batch_.receive(receiver.fd.get());
    for (std::size_t i = 0; i < count; ++i) read(receiver, i, now_ns);
    if (count < io::kBatch) return;
  }
}

void Crafted::read(Receiver& receiver, std::size_t index, std::int64_t now_ns) {
  if (const auto lost = batch_.overflow(index); lost && *lost != receiver.overflow) {
    desk_.losses.add(io::Loss::kSocketOverflow, *lost - receiver.overflow);
    receiver.overflow = *lost;
  }
  Arrival arrival{receiver.family, batch_.source(index), batch_.destination(index).value_or(IpAddress{}),
                  batch_.data(index), now_ns};
  if (receiver.family == Family::kIpv4) {
    const auto packet = wire::parse_ip(arrival.data);
    if (!packet) return desk_.losses.add(io::Loss::kForeignPacket);
    arrival.from.address = packet->source;
    arrival.to = packet->destination;
    arrival.data = packet->payload;
  }
  switch (receiver.protocol) {
    case IPPROTO_TCP:
      return read_tcp(arrival);
    case IPPROTO_UDP:
      return read_udp(arrival);
    case IPPROTO_SCTP:
      return read_sctp(arrival);
  }
  read_icmp(arrival);
}

// The answer must come from where the probe went to, to where it came from.
void Crafted::answer(const Arrival& arrival, ProbeId id, std::uint16_t port, const wire::Identity& identity) {
  auto* flight = desk_.book.find(id);
  if (flight == nullptr) return desk_.book.stray_answer(id, arrival.now_ns);
  if (flight->task->spec.target != arrival.from || flight->source_port != port || identity.responder == 0) {
    return desk_.losses.add(io::Loss::kForeignPacket);
  }
  desk_.book.replied(*flight, identity, arrival.now_ns);
}

void Crafted::accept(Flight& flight, std::int64_t now_ns) {
  if (!flight.task->spec.foreign) return desk_.book.unidentified(flight);
  desk_.book.replied(flight, wire::Identity{}, now_ns);
}

void Crafted::reset(const Flight& flight, const wire::TcpHeader& answer, std::int64_t now_ns) {
  const auto& task = *flight.task;
  auto& sender = senders_[task.spec.target.address.family()];
  const wire::Endpoints flow{.source = {task.source, flight.source_port}, .destination = task.spec.target};
  const auto size = wire::build_tcp(sender.batch.next(), flow,
                                    {.sequence = answer.acknowledgement,
                                     .acknowledgement = answer.sequence + 1,
                                     .flags = wire::tcp::kRst | wire::tcp::kAck,
                                     .window = 0,
                                     .options = {}});
  sender.ids.at(sender.batch.size()) = flight.id;
  sender.batch.add(size, {task.spec.target.address, 0});
  flush(sender, now_ns);
}

// Tasks of several clients in one place may well have the same target, ports and sequence numbers.
bool Crafted::is_of(const Flight& flight, const wire::Endpoints& flow) {
  return flight.task->source == flow.source.address && flight.source_port == flow.source.port &&
         flight.task->spec.target == flow.destination;
}

Flight* Crafted::find(Protocol protocol, const wire::Endpoints& flow, std::uint32_t sequence) {
  const auto found = tasks_.find({protocol, flow.destination});
  if (found == tasks_.end()) return nullptr;
  for (const auto* task : found->second) {
    auto* flight = desk_.book.find(probe_id(task->spec.id, sequence));
    if (flight != nullptr && is_of(*flight, flow)) return flight;
  }
  return nullptr;
}

void Crafted::refuse(Protocol protocol, const Arrival& arrival, std::uint32_t sequence, std::uint16_t port,
                     RefusalKind kind) {
  auto* flight = find(protocol, {.source = {arrival.to, port}, .destination = arrival.from}, sequence);
  if (flight == nullptr) return;  // an RST or ABORT of somebody else's flow
  desk_.book.refused(*flight, {.kind = kind, .icmp_type = 0, .icmp_code = 0, .from = arrival.from.address},
                     arrival.now_ns);
}

void Crafted::read_udp(Arrival arrival) {
  const auto datagram = wire::parse_udp(arrival.data);
  const auto header = datagram ? wire::decode_probe_header(datagram->payload) : std::nullopt;
  if (!header || header->kind != wire::ProbeKind::kAnswer) return desk_.losses.add(io::Loss::kForeignPacket);
  arrival.from.port = datagram->source_port;
  answer(arrival, header->id, datagram->destination_port, header->identity);
}

void Crafted::read_tcp(Arrival arrival) {
  const auto segment = wire::parse_tcp(arrival.data);
  if (!segment) return desk_.losses.add(io::Loss::kForeignPacket);
  arrival.from.port = segment->source_port;
  const auto port = segment->destination_port;
  const auto sequence = segment->header.acknowledgement - 1;
  if ((segment->header.flags & wire::tcp::kRst) != 0) {
    return refuse(Protocol::kTcp, arrival, sequence, port, RefusalKind::kReset);
  }
  if (const auto found = wire::parse_syn_ack(*segment)) return answer(arrival, found->id, port, found->identity);
  const wire::Endpoints flow{.source = {arrival.to, port}, .destination = arrival.from};
  if (auto* flight = find(Protocol::kTcp, flow, sequence)) {
    if (flight->task->spec.foreign) reset(*flight, segment->header, arrival.now_ns);
    return accept(*flight, arrival.now_ns);
  }
  desk_.losses.add(io::Loss::kForeignPacket);
}

void Crafted::read_sctp(Arrival arrival) {
  const auto packet = wire::parse_sctp(arrival.data);
  if (!packet) return desk_.losses.add(io::Loss::kForeignPacket);
  arrival.from.port = packet->source_port;
  const auto port = packet->destination_port;
  const auto sequence = wire::sequence_of_tag(packet->tag);
  if (wire::is_abort(*packet)) return refuse(Protocol::kSctp, arrival, sequence, port, RefusalKind::kAbort);
  if (!wire::sctp_checksum_is_right(arrival.data)) return desk_.losses.add(io::Loss::kBadChecksum);
  if (const auto found = wire::parse_init_ack(*packet)) return answer(arrival, found->id, port, found->identity);
  const wire::Endpoints flow{.source = {arrival.to, port}, .destination = arrival.from};
  if (auto* flight = find(Protocol::kSctp, flow, sequence)) return accept(*flight, arrival.now_ns);
  desk_.losses.add(io::Loss::kForeignPacket);
}

void Crafted::read_icmp(const Arrival& arrival) {
  const auto error = wire::parse_icmp_error(arrival.family, arrival.data);
  if (!error || !io::is_refusal(arrival.family, error->type, error->code)) return;
  auto* flight = find_quoted(*error);
  if (flight == nullptr) return;  // about somebody else's packet, or a kernel socket's of ours
  desk_.book.refused(
      *flight,
      {.kind = RefusalKind::kIcmp, .icmp_type = error->type, .icmp_code = error->code, .from = arrival.from.address},
      arrival.now_ns);
}

Flight* Crafted::find_quoted(const wire::IcmpError& error) {
  const auto protocol = static_cast<Protocol>(error.protocol);
  switch (protocol) {
    case Protocol::kTcp:  // the sequence number is within the eight bytes that every router quotes
      return find(protocol, error.flow, wire::load32(error.quoted, 4));
    case Protocol::kSctp:
      if (error.quoted.size() < 20) return find_by_port(protocol, error.flow);
      return find(protocol, error.flow, wire::sequence_of_tag(wire::load32(error.quoted, 16)));
    case Protocol::kUdp: {
      const auto header = wire::decode_probe_header(error.quoted.subspan(8));
      if (!header) return find_by_port(protocol, error.flow);
      return find(protocol, error.flow, sequence_of(header->id));
    }
  }
  return nullptr;
}

// Routers that quote only eight bytes leave us the ports. Slow, and rare: Linux quotes the whole of our packets.
Flight* Crafted::find_by_port(Protocol protocol, const wire::Endpoints& flow) {
  Flight* result = nullptr;
  desk_.book.for_each([&](Flight& flight) {
    if (is_of(flight, flow) && flight.fd < 0 && protocol_of(flight.task->spec.method) == protocol) result = &flight;
  });
  return result;
}

}  // namespace conntruth::probe
