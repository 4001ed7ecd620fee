#include "agent/probe/crafted.hpp"

#include <cerrno>

#include "agent/io/socket.hpp"
#include "common/wire/sctp_probe.hpp"
#include "common/wire/tcp_probe.hpp"

namespace conntruth::probe {

namespace {

std::uint8_t icmp_of(Family family) {
  return family == Family::kIpv4 ? std::uint8_t{IPPROTO_ICMP} : std::uint8_t{IPPROTO_ICMPV6};
}

}  // namespace

Status Crafted::open_sender(Family family) {
  if (senders_.contains(family)) return {};
  auto fd = io::open_raw_sender(family);
  if (!fd) return std::unexpected(fd.error());
  senders_[family].fd = std::move(*fd);
  return {};
}

Status Crafted::prepare(TaskState& task) {
  const auto& spec = task.spec;
  const auto family = spec.target.address.family();
  const auto protocol = protocol_of(spec.method);
  auto source = io::source_address(spec.target, spec.source);
  if (!source) return std::unexpected(source.error());
  task.source = *source;
  auto done = open_sender(family);
  if (done) done = open_receiver(family, static_cast<std::uint8_t>(protocol));
  if (done) done = open_receiver(family, icmp_of(family));
  if (!done) return done;
  if (spec.source_port != 0 && protocol == Protocol::kUdp) {
    auto held = reserved_.hold(spec.source_port);
    if (!held) return std::unexpected(held.error());
    task.held = std::move(*held);
  }
  // A UDP port is held by a socket, see ReservedPorts.
  const std::uint16_t starts = protocol == Protocol::kUdp ? 2 : 0;
  auto& walks = walks_.try_emplace(protocol, kCraftedPorts, start_ns_, starts).first->second;
  task.ports = &walks.of(task.source, spec.target);
  tasks_[{protocol, spec.target}].push_back(&task);
  return {};
}

void Crafted::forget(TaskState& task) {
  const auto found = tasks_.find({protocol_of(task.spec.method), task.spec.target});
  if (found == tasks_.end()) return;
  std::erase(found->second, &task);
  if (found->second.empty()) tasks_.erase(found);
  task.held.reset();
}

// 0: every port of the range is somebody else's.
std::uint16_t Crafted::choose_port(TaskState& task) {
  if (task.spec.source_port != 0) return task.spec.source_port;
  for (unsigned attempt = 0; attempt < kCraftedPorts.count; ++attempt) {
    const auto port = task.ports->next();
    if (task.spec.method != Method::kUdpCrafted || reserved_.reserve(port)) return port;
  }
  return 0;
}

namespace {

std::size_t build(wire::MutableBytes out, const ProbeTask& task, const wire::Endpoints& flow, ProbeId id) {
  switch (task.method) {
    case Method::kTcpSyn:
      return wire::build_syn(out, flow, id);
    case Method::kSctpInit:
      return wire::build_init(out, flow, id);
    case Method::kUdpCrafted:
      if (task.foreign) return wire::build_udp(out, flow, {});
      return wire::build_udp(
          out, flow, wire::encode({.kind = wire::ProbeKind::kRequest, .crafted = true, .id = id, .identity = {}}));
    case Method::kUdpSocket:
    case Method::kTcpSocket:
    case Method::kHttpGet:
    case Method::kDnsLookup:
      return 0;
  }
  return 0;
}

}  // namespace

void Crafted::send(TaskState& task, ProbeId id, std::int64_t now_ns) {
  const auto port = choose_port(task);
  if (port == 0) return desk_.book.failed(task, id, "no free UDP source port in 10000..29999", now_ns);
  auto& sender = senders_[task.spec.target.address.family()];
  const wire::Endpoints flow{.source = {task.source, port}, .destination = task.spec.target};
  const auto size = build(sender.batch.next(), task.spec, flow, id);
  desk_.book.open(task, id, port, now_ns);
  sender.ids.at(sender.batch.size()) = id;
  sender.batch.add(size, {task.spec.target.address, 0});
  if (sender.batch.full()) flush(sender, now_ns);
}

void Crafted::flush(std::int64_t now_ns) {
  for (auto& [family, sender] : senders_) flush(sender, now_ns);
}

// EPERM is a drop by the output hook: the probe waits for its deadline like any dropped one.
void Crafted::flush(Sender& sender, std::int64_t now_ns) {
  const auto count = sender.batch.size();
  if (count == 0) return;
  sender.batch.flush(sender.fd.get());
  for (std::size_t i = 0; i < count; ++i) {
    const int error = sender.batch.result(i);
    if (error == 0) continue;
    if (error == EPERM) {
      desk_.losses.add(io::Loss::kDroppedOnSend);
    } else if (auto* flight = desk_.book.find(sender.ids.at(i))) {
      desk_.book.failed(*flight, fail_errno("send", error).error().message, now_ns);
    }
  }
}

}  // namespace conntruth::probe
