#include "agent/respond/tcp_responder.hpp"

#include <netinet/tcp.h>

#include <cerrno>

#include "agent/io/filter.hpp"
#include "agent/io/socket.hpp"
#include "common/wire/probe_header.hpp"

namespace conntruth::respond {

namespace {

constexpr int kBacklog = 4096;
constexpr int kSecondsForData = 5;
constexpr int kAcceptsPerTurn = 256;  // then other sockets get theirs

Status prepare(int fd, Family family, std::uint16_t port) {
  const bool v4 = family == Family::kIpv4;
  auto done = io::set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
  if (done) done = io::set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, kSecondsForData, "TCP_DEFER_ACCEPT");
  if (done && !v4) done = io::set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
  if (done) done = io::attach_filter(fd, io::hide_probe_syns());
  if (done) done = io::bind_to(fd, {v4 ? IpAddress::v4({}) : IpAddress::v6({}), port});
  if (done && ::listen(fd, kBacklog) != 0) return fail_errno("listen", errno);
  return done;
}

void answer(Desk& desk, int connection, ProbeId id, const wire::Identity& identity) {
  const auto bytes = wire::encode({.kind = wire::ProbeKind::kAnswer, .crafted = false, .id = id, .identity = identity});
  desk.sights.push_back(
      {.id = id, .responder = identity.responder, .source = identity.seen_source, .received_ns = desk.clock.now_ns()});
  if (::send(connection, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) !=
      static_cast<ssize_t>(bytes.size())) {
    desk.losses.add(io::Loss::kAnswerNotSent);
  }
}

}  // namespace

Result<std::unique_ptr<Handler>> TcpResponder::open(Family family, std::uint16_t port, std::uint32_t id) {
  auto fd = io::open_socket(io::domain_of(family), SOCK_STREAM, 0);
  if (!fd) return std::unexpected(fd.error());
  if (auto done = prepare(fd->get(), family, port); !done) return std::unexpected(done.error());
  return std::make_unique<TcpResponder>(std::move(*fd), id);
}

void TcpResponder::serve(Desk& desk, io::Fd connection, const SocketAddress& peer) const {
  wire::ProbeHeaderBytes bytes{};
  const auto size = ::recv(connection.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  const auto request =
      wire::decode_probe_header(wire::Bytes(bytes).first(size > 0 ? static_cast<std::size_t>(size) : 0));
  const auto local = io::local_address(connection.get());
  if (!request || request->kind != wire::ProbeKind::kRequest || !local) {
    desk.losses.add(io::Loss::kForeignPacket);
    return;
  }
  const wire::Identity identity{.responder = id_, .seen_source = peer, .seen_destination = *local};
  answer(desk, connection.get(), request->id, identity);
  // Closing right after the answer leaves nothing: the client resets. A stranger gets a FIN.
  if (!request->kept) return;
  desk.opened.push_back({id_, std::make_unique<TcpConversation>(std::move(connection), identity)});
}

void TcpResponder::ready(Desk& desk) {
  for (int turn = 0; turn < kAcceptsPerTurn; ++turn) {
    io::KernelAddress peer{};
    socklen_t size = sizeof peer;
    io::Fd connection(accept4(fd(), &peer.base, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection) return;
    serve(desk, std::move(connection), io::from_kernel(peer));
  }
}

bool TcpConversation::read(Desk& desk) {
  const auto size = ::recv(fd(), request_.data() + received_, request_.size() - received_, MSG_DONTWAIT);
  if (size <= 0) return size < 0 && errno == EAGAIN;
  received_ += static_cast<std::size_t>(size);
  if (received_ < request_.size()) return true;
  received_ = 0;
  const auto request = wire::decode_probe_header(request_);
  if (!request || request->kind != wire::ProbeKind::kRequest) {
    desk.losses.add(io::Loss::kForeignPacket);
    return false;
  }
  answer(desk, fd(), request->id, identity_);
  return true;
}

void TcpConversation::ready(Desk& desk) {
  if (!read(desk)) desk.closed.push_back({identity_.responder, this});
}

}  // namespace conntruth::respond
