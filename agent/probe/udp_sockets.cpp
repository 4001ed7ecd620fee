#include "agent/probe/udp_sockets.hpp"

#include <cerrno>

#include "agent/io/error_queue.hpp"
#include "agent/io/socket.hpp"
#include "agent/probe/bound_socket.hpp"

namespace conntruth::probe {

namespace {

Result<io::Fd> open_connected(const ProbeTask& task, std::uint16_t port) {
  auto fd = open_bound(task, SOCK_DGRAM, port);
  if (!fd) return fd;
  const int number = connect_to(fd->get(), task.target);
  if (number != 0) return fail_errno("connect to " + task.target.to_string(), number);
  return fd;
}

}  // namespace

Status UdpSockets::prepare(TaskState& task) {
  if (task.spec.source_port == 0) {
    task.ports = &walks_.of(task.spec.source, task.spec.target);
    return {};
  }
  auto fd = open_connected(task.spec, task.spec.source_port);
  if (!fd) return std::unexpected(fd.error());
  task.shared = std::move(*fd);
  shared_[task.spec.id] = &task;
  return desk_.poller.add(task.shared.get(), EPOLLIN, probe_id(task.spec.id, kSharedSequence));
}

void UdpSockets::send(TaskState& task, ProbeId id, std::int64_t now_ns) {
  if (task.shared) return transmit(task.shared.get(), desk_.book.open(task, id, task.spec.source_port, now_ns), now_ns);
  std::uint16_t port = 0;
  auto fd = with_free_port(*task.ports, port, [&](std::uint16_t each) { return open_connected(task.spec, each); });
  if (!fd) return desk_.book.failed(task, id, fd.error().message, now_ns);
  auto& flight = desk_.book.open(task, id, port, now_ns);
  flight.fd = fd->release();
  if (auto added = desk_.poller.add(flight.fd, EPOLLIN, id); !added) {
    return desk_.book.failed(flight, added.error().message, now_ns);
  }
  transmit(flight.fd, flight, now_ns);
}

void UdpSockets::transmit(int fd, Flight& flight, std::int64_t now_ns) {
  const auto id = flight.id;
  const auto bytes = wire::encode({.kind = wire::ProbeKind::kRequest, .crafted = false, .id = id, .identity = {}});
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT) >= 0) return;
    if (errno == EPERM) return desk_.losses.add(io::Loss::kDroppedOnSend);
    // On a shared socket the error may be an earlier probe's, which the queue names.
    const int number = errno;
    const bool queued = read_error(fd, probe_id(task_of(id), kSharedSequence), now_ns);
    auto* open = desk_.book.find(id);
    if (open == nullptr) return;
    if (!queued || attempt == 2) return desk_.book.failed(*open, fail_errno("send", number).error().message, now_ns);
  }
}

bool UdpSockets::read_error(int fd, std::uint64_t token, std::int64_t now_ns) {
  wire::ProbeHeaderBytes payload{};
  const auto error = io::next_queued_error(fd, payload);
  if (!error) return false;
  const auto header = wire::decode_probe_header(wire::Bytes(payload).first(std::min(error->quoted, payload.size())));
  auto* flight = desk_.book.find(header ? header->id : token);
  const auto& refusal = error->refusal;
  if (flight == nullptr || refusal.kind != RefusalKind::kIcmp) return true;
  if (!io::is_refusal(flight->task->spec.target.address.family(), refusal.icmp_type, refusal.icmp_code)) return true;
  const bool own = flight->fd == fd;
  desk_.book.refused(*flight, refusal, now_ns);
  return !own;
}

bool UdpSockets::read_answer(int fd, std::uint64_t token, std::int64_t now_ns) {
  wire::ProbeHeaderBytes payload{};
  const auto size = ::recv(fd, payload.data(), payload.size(), MSG_DONTWAIT);
  if (size < 0) return false;
  const auto header = wire::decode_probe_header(wire::Bytes(payload).first(static_cast<std::size_t>(size)));
  if (!header || header->kind != wire::ProbeKind::kAnswer || task_of(header->id) != task_of(token)) {
    desk_.losses.add(io::Loss::kForeignPacket);
    return true;
  }
  auto* flight = desk_.book.find(header->id);
  if (flight == nullptr) {
    desk_.book.stray_answer(header->id, now_ns);
    return true;
  }
  const bool own = flight->fd == fd;
  desk_.book.replied(*flight, header->identity, now_ns);
  return !own;
}

void UdpSockets::ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) {
  int fd = -1;
  if (sequence_of(token) == kSharedSequence) {
    const auto found = shared_.find(task_of(token));
    if (found != shared_.end()) fd = found->second->shared.get();
  } else if (const auto* flight = desk_.book.find(token)) {
    fd = flight->fd;
  }
  if (fd < 0) return;
  if ((events & EPOLLERR) != 0) {
    while (read_error(fd, token, now_ns)) {
    }
  }
  const bool shared = sequence_of(token) == kSharedSequence;
  while (shared || desk_.book.find(token) != nullptr) {
    if (!read_answer(fd, token, now_ns)) return;
  }
}

void UdpSockets::forget(TaskState& task) {
  if (!task.shared) return;
  shared_.erase(task.spec.id);
  task.shared = {};
}

}  // namespace conntruth::probe
