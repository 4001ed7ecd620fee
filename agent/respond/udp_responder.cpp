#include "agent/respond/udp_responder.hpp"

#include "agent/io/socket.hpp"
#include "common/wire/probe_header.hpp"

namespace conntruth::respond {

namespace {

Status prepare(int fd, Family family, std::uint16_t port) {
  io::enlarge_receive_buffer(fd);
  const bool v4 = family == Family::kIpv4;
  auto done = io::set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1, "SO_RXQ_OVFL");
  if (done && v4) done = io::set_option(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
  if (done && !v4) done = io::set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
  if (done && !v4) done = io::set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  if (!done) return done;
  return io::bind_to(fd, {v4 ? IpAddress::v4({}) : IpAddress::v6({}), port});
}

}  // namespace

Result<std::unique_ptr<Handler>> UdpResponder::open(Family family, std::uint16_t port, std::uint32_t id) {
  auto fd = io::open_socket(io::domain_of(family), SOCK_DGRAM, 0);
  if (!fd) return std::unexpected(fd.error());
  if (auto done = prepare(fd->get(), family, port); !done) return std::unexpected(done.error());
  return std::make_unique<UdpResponder>(std::move(*fd), port, id);
}

void UdpResponder::answer(Desk& desk, std::size_t index, std::int64_t now_ns) {
  const auto request = wire::decode_probe_header(desk.received.data(index));
  const auto destination = desk.received.destination(index);
  if (!request || request->kind != wire::ProbeKind::kRequest || !destination) {
    desk.losses.add(io::Loss::kForeignPacket);
    return;
  }
  const auto source = desk.received.source(index);
  const auto bytes =
      wire::encode({.kind = wire::ProbeKind::kAnswer,
                    .crafted = request->crafted,
                    .id = request->id,
                    .identity = {.responder = id_, .seen_source = source, .seen_destination = {*destination, port_}}});
  std::ranges::copy(bytes, desk.answers.next().begin());
  desk.answers.add(bytes.size(), source, *destination);
  desk.sights.push_back({.id = request->id, .responder = id_, .source = source, .received_ns = now_ns});
}

void UdpResponder::ready(Desk& desk) {
  const auto count = desk.received.receive(fd());
  const auto now_ns = desk.clock.now_ns();
  for (std::size_t i = 0; i < count; ++i) answer(desk, i, now_ns);
  if (count > 0) note_overflow(desk, count - 1);
  desk.flush_answers(fd());
}

}  // namespace conntruth::respond
