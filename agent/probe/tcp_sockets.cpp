#include "agent/probe/tcp_sockets.hpp"

#include <array>
#include <cerrno>

#include "agent/io/socket.hpp"
#include "agent/probe/bound_socket.hpp"
#include "agent/probe/http_answer.hpp"
#include "agent/probe/tcp_connect.hpp"

namespace conntruth::probe {

Status TcpSockets::prepare(TaskState& task) {
  task.one_at_a_time = task.spec.source_port != 0;
  if (!task.one_at_a_time) task.ports = &walks_.of(task.spec.source, task.spec.target);
  return {};
}

void TcpSockets::send(TaskState& task, ProbeId id, std::int64_t now_ns) {
  std::uint16_t port = task.spec.source_port;
  const auto open = [&](std::uint16_t each) { return open_bound(task.spec, SOCK_STREAM, each); };
  auto fd = task.ports == nullptr ? open(port) : with_free_port(*task.ports, port, open);
  if (!fd) return desk_.book.failed(task, id, fd.error().message, now_ns);
  const int error = connect_to(fd->get(), task.spec.target);
  auto& flight = desk_.book.open(task, id, port, now_ns);
  flight.fd = fd->release();
  if (error != 0 && error != EINPROGRESS) return lost(flight, error, now_ns);
  if (auto added = desk_.poller.add(flight.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, id); !added) {
    desk_.book.failed(flight, added.error().message, now_ns);
  }
}

void TcpSockets::lost(Flight& flight, int number, std::int64_t now_ns) {
  const auto& target = flight.task->spec.target;
  if (const auto refusal = refusal_of(flight.fd, number, target.address)) {
    return desk_.book.refused(flight, *refusal, now_ns);
  }
  if (number == ETIMEDOUT) return drop_socket(flight);
  desk_.book.failed(flight, fail_errno("connect to " + target.to_string(), number).error().message, now_ns);
}

void TcpSockets::drop_socket(Flight& flight) const { const io::Fd closed(std::exchange(flight.fd, -1)); }

void TcpSockets::hung_up(Flight& flight) {
  desk_.book.unidentified(flight);
  drop_socket(flight);
}

ssize_t TcpSockets::send_request(const Flight& flight) {
  constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
  const auto& task = flight.task->spec;
  if (task.method == Method::kHttpGet) {
    const auto text = http_request(task.target, task.path);
    return ::send(flight.fd, text.data(), text.size(), kFlags);
  }
  const auto bytes =
      wire::encode({.kind = wire::ProbeKind::kRequest, .crafted = false, .id = flight.id, .identity = {}});
  return ::send(flight.fd, bytes.data(), bytes.size(), kFlags);
}

void TcpSockets::connected(Flight& flight, std::int64_t now_ns) {
  flight.connected = true;
  reset_on_close(flight.fd);
  if (send_request(flight) >= 0) return;
  if (errno == ECONNRESET || errno == EPIPE) return hung_up(flight);
  if (errno != EPERM) desk_.book.failed(flight, fail_errno("send", errno).error().message, now_ns);
}

void TcpSockets::read_answer(Flight& flight, std::int64_t now_ns) {
  wire::ProbeHeaderBytes bytes{};
  const auto size = ::recv(flight.fd, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  if (size > 0 && static_cast<std::size_t>(size) < bytes.size()) return;  // the rest raises another edge
  const auto header =
      wire::decode_probe_header(wire::Bytes(bytes).first(size > 0 ? static_cast<std::size_t>(size) : 0));
  if (!header || header->kind != wire::ProbeKind::kAnswer || header->id != flight.id) return hung_up(flight);
  desk_.book.replied(flight, header->identity, now_ns);
}

// Bytes are looked at and stay in the socket until the answer is whole: it is short, so nothing is kept for the flight.
void TcpSockets::read_http(Flight& flight, bool ended, std::int64_t now_ns) {
  std::array<char, kMostHttpBytes> bytes{};
  const auto size = ::recv(flight.fd, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return;
  const auto progress =
      read_http_answer({bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0}, ended || size <= 0);
  switch (progress.state) {
    case HttpState::kMore:
      return;
    case HttpState::kWhole:
      return desk_.book.replied(flight, progress.answer, now_ns);
    case HttpState::kNone:
      return hung_up(flight);
  }
}

void TcpSockets::ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) {
  auto* flight = desk_.book.find(token);
  if (flight == nullptr || flight->fd < 0) return;
  if (!flight->connected) {
    const int error = pending_error(flight->fd);
    if (error != 0) return lost(*flight, error, now_ns);
    if ((events & EPOLLOUT) == 0) return;
    connected(*flight, now_ns);
    flight = desk_.book.find(token);
    if (flight == nullptr || flight->fd < 0) return;
  }
  constexpr std::uint32_t kEnds = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((events & (EPOLLIN | kEnds)) == 0) return;
  if (flight->task->spec.method == Method::kHttpGet) return read_http(*flight, (events & kEnds) != 0, now_ns);
  read_answer(*flight, now_ns);
}

}  // namespace conntruth::probe
