#include "agent/probe/kept_connections.hpp"

#include <cerrno>

#include "agent/io/socket.hpp"
#include "agent/probe/bound_socket.hpp"
#include "agent/probe/tcp_connect.hpp"

namespace conntruth::probe {

namespace {

// Of an ICMP error for an established connection the kernel keeps only the errno (tcp_v4_err, tcp_v6_err); a reset
// gives none of these. Who sent it is not known.
std::optional<Refusal> unreachable(int number, Family family) {
  const bool v4 = family == Family::kIpv4;
  const auto refusal = [v4](std::uint8_t code4, std::uint8_t code6) {
    return Refusal{.kind = RefusalKind::kIcmp,
                   .icmp_type = static_cast<std::uint8_t>(v4 ? 3 : 1),
                   .icmp_code = v4 ? code4 : code6,
                   .from = v4 ? IpAddress::v4({}) : IpAddress::v6({})};
  };
  switch (number) {
    case ECONNREFUSED:
      return refusal(3, 4);
    case EHOSTUNREACH:
      return refusal(1, 3);
    case ENETUNREACH:
      return refusal(0, 0);
    case EACCES:
      return refusal(13, 1);
    default:
      return std::nullopt;
  }
}

}  // namespace

Status KeptConnections::prepare(TaskState& task) {
  const auto& spec = task.spec;
  task.one_at_a_time = true;
  task.ports = spec.source_port == 0 ? &walks_.of(spec.source, spec.target) : nullptr;
  if (!connections_.contains(spec.connection) && connections_.size() >= kLimit) {
    return fail(ErrorCode::kResource, "more than " + std::to_string(kLimit) + " kept connections");
  }
  auto& connection = connections_[spec.connection];
  if (connection.target.port == 0) connection.target = spec.target;
  if (connection.target == spec.target) return {};
  return fail(ErrorCode::kConflict, "connection " + std::to_string(spec.connection) + " leads to " +
                                        connection.target.to_string() + ", not to " + spec.target.to_string());
}

Status KeptConnections::open(Connection& connection, const TaskState& task) {
  if (connection.fd || connection.over) return {};
  connection.port = task.spec.source_port;
  const auto bound = [&](std::uint16_t each) { return open_bound(task.spec, SOCK_STREAM, each); };
  auto fd = task.ports == nullptr ? bound(connection.port) : with_free_port(*task.ports, connection.port, bound);
  if (!fd) return std::unexpected(fd.error());
  reset_on_close(fd->get());
  connection.fd = std::move(*fd);
  return {};
}

void KeptConnections::send(TaskState& task, ProbeId id, std::int64_t now_ns) {
  auto& connection = connections_[task.spec.connection];
  const bool fresh = !connection.fd && !connection.over;
  if (auto opened = open(connection, task); !opened) {
    return desk_.book.failed(task, id, opened.error().message, now_ns);
  }
  auto& flight = desk_.book.open(task, id, connection.port, now_ns);
  connection.awaited = id;
  if (connection.over) {
    if (connection.refusal) desk_.book.refused(flight, *connection.refusal, now_ns);
    return;
  }
  if (!fresh) {
    if (connection.connected) request(connection, flight, now_ns);
    return;  // else as soon as it is connected
  }
  const int error = connect_to(connection.fd.get(), connection.target);
  if (error != 0 && error != EINPROGRESS) return end(connection, error, now_ns);
  const auto token = probe_id(task.spec.connection, kKeptSequence);
  const auto watched = desk_.poller.add(connection.fd.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, token);
  if (!watched) desk_.book.failed(flight, watched.error().message, now_ns);
}

void KeptConnections::request(Connection& connection, Flight& flight, std::int64_t now_ns) {
  const auto bytes = wire::encode(
      {.kind = wire::ProbeKind::kRequest, .crafted = false, .kept = true, .id = flight.id, .identity = {}});
  const auto sent = ::send(connection.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(bytes.size())) return;
  if (sent >= 0 || errno == EAGAIN) return end(connection, ENOBUFS, now_ns);  // a request cut short spoils the stream
  if (errno != EPERM) end(connection, errno, now_ns);
}

void KeptConnections::connected(Connection& connection, std::int64_t now_ns) {
  connection.connected = true;
  if (auto* flight = desk_.book.find(connection.awaited)) request(connection, *flight, now_ns);
}

void KeptConnections::end(Connection& connection, int number, std::int64_t now_ns) {
  if (number == EPIPE) number = ECONNRESET;  // the reset itself was read before
  connection.over = true;
  if (connection.connected) connection.refusal = unreachable(number, connection.target.address.family());
  if (!connection.refusal) connection.refusal = refusal_of(connection.fd.get(), number, connection.target.address);
  connection.fd = io::Fd();
  auto* flight = desk_.book.find(connection.awaited);
  if (flight == nullptr) return;
  if (connection.refusal) return desk_.book.refused(*flight, *connection.refusal, now_ns);
  if (number == ETIMEDOUT) return;  // silence: its deadline will say so
  desk_.book.failed(*flight, fail_errno("kept connection to " + connection.target.to_string(), number).error().message,
                    now_ns);
}

void KeptConnections::hung_up(Connection& connection) {
  connection.over = true;
  connection.fd = io::Fd();
  if (auto* flight = desk_.book.find(connection.awaited)) desk_.book.unidentified(*flight);
}

void KeptConnections::take_answer(Connection& connection, std::int64_t now_ns) {
  connection.received = 0;
  const auto header = wire::decode_probe_header(connection.answer);
  if (!header || header->kind != wire::ProbeKind::kAnswer) return hung_up(connection);
  // An answer that was late is told apart by its id: the stream goes on behind it.
  auto* flight = desk_.book.find(header->id);
  if (flight == nullptr) return desk_.book.stray_answer(header->id, now_ns);
  desk_.book.replied(*flight, header->identity, now_ns);
}

void KeptConnections::read(Connection& connection, std::int64_t now_ns) {
  while (connection.fd) {
    auto& answer = connection.answer;
    const auto size = ::recv(connection.fd.get(), answer.data() + connection.received,
                             answer.size() - connection.received, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) return end(connection, errno, now_ns);
    if (size == 0) return hung_up(connection);
    connection.received += static_cast<std::size_t>(size);
    if (connection.received == answer.size()) take_answer(connection, now_ns);
  }
}

void KeptConnections::ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) {
  const auto found = connections_.find(task_of(token));
  if (found == connections_.end() || !found->second.fd) return;
  auto& connection = found->second;
  if (!connection.connected) {
    if (const int error = pending_error(connection.fd.get()); error != 0) return end(connection, error, now_ns);
    if ((events & EPOLLOUT) == 0) return;
    connected(connection, now_ns);
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) read(connection, now_ns);
}

}  // namespace conntruth::probe
