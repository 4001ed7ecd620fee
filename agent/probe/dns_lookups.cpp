#include "agent/probe/dns_lookups.hpp"

#include <array>
#include <cerrno>

#include "agent/io/error_queue.hpp"
#include "agent/io/socket.hpp"
#include "agent/probe/bound_socket.hpp"
#include "agent/probe/dns_message.hpp"
#include "agent/probe/tcp_connect.hpp"

namespace conntruth::probe {

namespace {

constexpr std::array kFamilies = {Family::kIpv4, Family::kIpv6};

// The socket is the probe's own and connected, so that an id has to tell nothing but the two questions apart.
std::uint16_t question_id(ProbeId id, Family family) {
  return static_cast<std::uint16_t>((sequence_of(id) << 1U) | (family == Family::kIpv6 ? 1U : 0U));
}

}  // namespace

Status DnsLookups::prepare(TaskState& task) {
  if (auto question = dns_question(0, task.spec.name, Family::kIpv4); !question) {
    return std::unexpected(question.error());
  }
  task.one_at_a_time = true;
  task.ports = &walks_.of(task.spec.source, task.spec.target);
  return {};
}

void DnsLookups::send(TaskState& task, ProbeId id, std::int64_t now_ns) {
  std::uint16_t port = 0;
  auto fd =
      with_free_port(*task.ports, port, [&](std::uint16_t each) { return open_bound(task.spec, SOCK_DGRAM, each); });
  if (!fd) return desk_.book.failed(task, id, fd.error().message, now_ns);
  const int number = connect_to(fd->get(), task.spec.target);
  auto& flight = desk_.book.open(task, id, port, now_ns);
  flight.fd = fd->release();
  if (number != 0) {
    const auto error = fail_errno("connect to " + task.spec.target.to_string(), number).error();
    return desk_.book.failed(flight, error.message, now_ns);
  }
  if (auto added = desk_.poller.add(flight.fd, EPOLLIN, id); !added) {
    return desk_.book.failed(flight, added.error().message, now_ns);
  }
  halves_[task.spec.id].reset();
  ask(flight, now_ns);
}

void DnsLookups::ask(Flight& flight, std::int64_t now_ns) {
  for (const auto family : kFamilies) {
    const auto bytes = dns_question(question_id(flight.id, family), flight.task->spec.name, family);
    if (!bytes) return desk_.book.failed(flight, bytes.error().message, now_ns);
    if (::send(flight.fd, bytes->data(), bytes->size(), MSG_DONTWAIT) >= 0) continue;
    if (errno == ECONNREFUSED) return;  // the first question's refusal, which the error queue tells
    if (errno == EPERM) return desk_.losses.add(io::Loss::kDroppedOnSend);
    return desk_.book.failed(flight, fail_errno("send", errno).error().message, now_ns);
  }
}

void DnsLookups::take(Flight& flight, Family family, NameAnswer answer, std::int64_t now_ns) {
  auto& half = halves_[flight.task->spec.id];
  if (!half) {
    half = First{family, std::move(answer)};
    return;
  }
  if (half->family != family) desk_.book.replied(flight, merged(std::move(half->answer), answer), now_ns);
}

bool DnsLookups::read_answer(Flight& flight, std::int64_t now_ns) {
  std::array<std::uint8_t, kMostDnsBytes> bytes{};
  const auto id = flight.id;
  const auto size = ::recv(flight.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (size < 0) return false;
  const auto datagram = wire::Bytes(bytes).first(static_cast<std::size_t>(size));
  for (const auto family : kFamilies) {
    auto answer = read_dns_answer(datagram, question_id(id, family), flight.task->spec.name, family);
    if (!answer) {
      desk_.book.failed(flight, answer.error().in("DNS server " + flight.task->spec.target.to_string()).message,
                        now_ns);
      return false;
    }
    if (!*answer) continue;
    take(flight, family, std::move(**answer), now_ns);
    return desk_.book.find(id) != nullptr;
  }
  desk_.losses.add(io::Loss::kForeignPacket);
  return true;
}

void DnsLookups::ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) {
  auto* flight = desk_.book.find(token);
  if (flight == nullptr) return;
  if ((events & EPOLLERR) != 0) {
    const auto refusal = refusal_of(flight->fd, 0, flight->task->spec.target.address);
    if (refusal) return desk_.book.refused(*flight, *refusal, now_ns);
  }
  while (flight != nullptr && read_answer(*flight, now_ns)) flight = desk_.book.find(token);
}

void DnsLookups::forget(TaskState& task) { halves_.erase(task.spec.id); }

}  // namespace conntruth::probe
