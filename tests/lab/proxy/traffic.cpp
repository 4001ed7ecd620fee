#include "tests/lab/proxy/traffic.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "common/wire/sctp_probe.hpp"

namespace conntruth::lab_proxy::test {
namespace {

// Long enough for a packet to cross four namespaces on a busy machine; only true silence costs it.
constexpr int kPatienceMs = 400;

struct KernelAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

KernelAddress to_kernel(const SocketAddress& address) {
  KernelAddress made;
  if (address.address.family() == Family::kIpv4) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&made.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    std::memcpy(&v4->sin_addr, address.address.bytes().data(), 4);
    made.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&made.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    std::memcpy(&v6->sin6_addr, address.address.bytes().data(), 16);
    made.size = sizeof *v6;
  }
  return made;
}

IpAddress from_kernel(const KernelAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr, text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr, text.data(), text.size());
  }
  return IpAddress::parse(text.data()).value();
}

int domain(Family family) { return family == Family::kIpv4 ? AF_INET : AF_INET6; }

int open_socket(const Netns& where, Family family, int type, int protocol) {
  int fd = -1;
  where.in([&] { fd = socket(domain(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol); });
  EXPECT_GE(fd, 0) << std::strerror(errno);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == Family::kIpv6 && type != SOCK_RAW) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  return fd;
}

void bind_to(int fd, const SocketAddress& address) {
  auto kernel = to_kernel(address);
  EXPECT_EQ(bind(fd, kernel.raw(), kernel.size), 0) << address.to_string() << ": " << std::strerror(errno);
}

std::string greeting(const IpAddress& by, const IpAddress& seen) { return by.to_string() + " " + seen.to_string(); }

Outcome from_greeting(const std::string& text) {
  const auto space = text.find(' ');
  return replied(IpAddress::parse(text.substr(0, space)).value(), IpAddress::parse(text.substr(space + 1)).value());
}

std::optional<Outcome> receive(int client) {
  std::array<char, 128> buffer{};
  const auto size = recv(client, buffer.data(), buffer.size(), 0);
  if (size > 0) return from_greeting({buffer.data(), static_cast<std::size_t>(size)});
  if (size < 0 && errno == ECONNREFUSED) return refused();
  return std::nullopt;
}

using Packet = std::array<std::uint8_t, 512>;

// The packet without its IP header, which IPv4's raw sockets deliver and IPv6's do not.
wire::Bytes transport(const Packet& packet, ssize_t size, Family family) {
  const auto whole = wire::Bytes(packet).first(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (family == Family::kIpv6) return whole;
  const auto parsed = wire::parse_ip(whole);
  return parsed ? parsed->payload : wire::Bytes{};
}

void send_whole(const Netns& from, const Packet& packet, std::size_t size, const IpAddress& to) {
  const int fd = open_socket(from, to.family(), SOCK_RAW, IPPROTO_RAW);
  auto kernel = to_kernel({to, 0});
  // A drop in the output hook is told as EPERM; the caller waits in vain as it does for any other drop.
  (void)sendto(fd, packet.data(), size, 0, kernel.raw(), kernel.size);
  close(fd);
}

// The address from which the kernel would send there.
IpAddress source_for(const Netns& from, const SocketAddress& target) {
  const int fd = open_socket(from, target.address.family(), SOCK_DGRAM, 0);
  auto kernel = to_kernel(target);
  EXPECT_EQ(connect(fd, kernel.raw(), kernel.size), 0) << std::strerror(errno);
  KernelAddress own;
  getsockname(fd, own.raw(), &own.size);
  close(fd);
  return from_kernel(own);
}

}  // namespace

void PrintTo(const Outcome& outcome, std::ostream* out) {
  if (outcome.fate == Fate::kRefused) *out << "refused";
  if (outcome.fate == Fate::kSilent) *out << "silent";
  if (outcome.fate == Fate::kReplied) *out << outcome.by.to_string() << " replied and saw " << outcome.seen.to_string();
}

Traffic::Traffic() = default;
Traffic::~Traffic() {
  for (const auto& each : listeners_) close(each.fd);
}

void Traffic::listen(const Netns& where, const SocketAddress& address, Protocol protocol) {
  const auto family = address.address.family();
  int fd = -1;
  if (protocol == Protocol::kSctp) {
    fd = open_socket(where, family, SOCK_RAW, IPPROTO_SCTP);
    bind_to(fd, {address.address, 0});
  } else {
    fd = open_socket(where, family, protocol == Protocol::kTcp ? SOCK_STREAM : SOCK_DGRAM, 0);
    bind_to(fd, address);
    if (protocol == Protocol::kTcp) {
      EXPECT_EQ(::listen(fd, 64), 0);
    }
  }
  listeners_.push_back({fd, address, protocol, &where});
}

// Answers whoever asks until one of the client's sockets has something; false when nothing happens any more.
bool Traffic::serve(const std::vector<int>& clients) {
  std::vector<pollfd> sources;
  for (const auto& each : listeners_) sources.push_back({each.fd, POLLIN, 0});
  for (const int each : clients) sources.push_back({each, POLLIN, 0});
  while (poll(sources.data(), sources.size(), kPatienceMs) > 0) {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      if (sources[i].revents == 0) continue;
      const auto& listener = listeners_[i];
      KernelAddress peer;
      if (listener.protocol == Protocol::kTcp) {
        const int accepted = accept(listener.fd, peer.raw(), &peer.size);
        if (accepted < 0) continue;
        const auto text = greeting(listener.address.address, from_kernel(peer));
        EXPECT_EQ(send(accepted, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
        close(accepted);
      } else if (listener.protocol == Protocol::kUdp) {
        std::array<char, 64> ignored{};
        if (recvfrom(listener.fd, ignored.data(), ignored.size(), 0, peer.raw(), &peer.size) < 0) continue;
        const auto text = greeting(listener.address.address, from_kernel(peer));
        (void)sendto(listener.fd, text.data(), text.size(), 0, peer.raw(), peer.size);
      } else {
        answer_sctp(listener);
      }
    }
    for (std::size_t i = listeners_.size(); i < sources.size(); ++i) {
      if (sources[i].revents != 0) return true;
    }
  }
  return false;
}

void Traffic::answer_sctp(const Listener& listener) {
  Packet packet{};
  KernelAddress peer;
  const auto size = recvfrom(listener.fd, packet.data(), packet.size(), 0, peer.raw(), &peer.size);
  const auto sctp = wire::parse_sctp(transport(packet, size, listener.address.address.family()));
  if (!sctp || sctp->destination_port != listener.address.port) return;
  const auto init = wire::parse_init(*sctp);
  if (!init || !init->id) return;
  Packet answer{};
  const SocketAddress back{from_kernel(peer), sctp->source_port};
  const auto length = wire::build_init_ack(answer, {listener.address, back}, *init->id,
                                           static_cast<std::uint32_t>(&listener - listeners_.data()));
  send_whole(*listener.where, answer, length, back.address);
}

Outcome Traffic::probe(const Netns& from, const ProbeTo& probe) {
  if (probe.protocol == Protocol::kSctp) return probe_sctp(from, probe);
  const auto family = probe.target.address.family();
  const int client = open_socket(from, family, probe.protocol == Protocol::kTcp ? SOCK_STREAM : SOCK_DGRAM, 0);
  const auto& source = probe.source;
  if (!source.address.is_unspecified() && source.address.family() == family) bind_to(client, source);
  if (source.address.is_unspecified() && source.port != 0) {
    bind_to(client, {source_for(from, probe.target), source.port});
  }
  const auto outcome = probe.protocol == Protocol::kTcp ? probe_stream(client, probe) : probe_datagram(client, probe);
  close(client);
  return outcome;
}

Outcome Traffic::probe_stream(int client, const ProbeTo& probe) {
  auto target = to_kernel(probe.target);
  // The refusal may come back within connect(), while the socket is locked. IPv6 then wakes only those who asked for
  // the error queue; others wait for the second SYN.
  const int on = 1;
  if (probe.target.address.family() == Family::kIpv6) setsockopt(client, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
  if (::connect(client, target.raw(), target.size) != 0 && errno != EINPROGRESS) {
    return errno == ECONNREFUSED ? refused() : silent();
  }
  while (serve({client})) {
    if (const auto outcome = receive(client)) return *outcome;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return error == ECONNREFUSED ? refused() : silent();
  }
  return silent();
}

Outcome Traffic::probe_datagram(int client, const ProbeTo& probe) {
  auto target = to_kernel(probe.target);
  EXPECT_EQ(::connect(client, target.raw(), target.size), 0) << std::strerror(errno);
  // A drop in the output hook is told as EPERM, a refusal there before send returns.
  if (send(client, "?", 1, 0) < 0 && errno == ECONNREFUSED) return refused();
  while (serve({client})) {
    if (const auto outcome = receive(client)) return *outcome;
  }
  return silent();
}

Outcome Traffic::probe_sctp(const Netns& from, const ProbeTo& probe) {
  const auto family = probe.target.address.family();
  const bool given = !probe.source.address.is_unspecified() && probe.source.address.family() == family;
  const SocketAddress source{given ? probe.source.address : source_for(from, probe.target),
                             probe.source.port != 0 ? probe.source.port : next_port_++};
  const int answers = open_socket(from, family, SOCK_RAW, IPPROTO_SCTP);
  const int errors =
      open_socket(from, family, SOCK_RAW, family == Family::kIpv4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6});
  Packet init{};
  const auto id = probe_id(1, source.port);
  send_whole(from, init, wire::build_init(init, {source, probe.target}, id), probe.target.address);

  Outcome outcome = silent();
  while (outcome == silent() && serve({answers, errors})) {
    Packet packet{};
    for (ssize_t size = 0; (size = recv(answers, packet.data(), packet.size(), 0)) > 0;) {
      const auto sctp = wire::parse_sctp(transport(packet, size, family));
      const auto answer = sctp && sctp->destination_port == source.port ? wire::parse_init_ack(*sctp) : std::nullopt;
      if (!answer || answer->id != id) continue;
      outcome = replied(listeners_[answer->identity.responder].address.address, answer->identity.seen_source.address);
    }
    for (ssize_t size = 0; (size = recv(errors, packet.data(), packet.size(), 0)) > 0;) {
      const auto error = wire::parse_icmp_error(family, transport(packet, size, family));
      if (!error || error->flow.source != source || error->flow.destination != probe.target) continue;
      const bool port_unreachable =
          family == Family::kIpv4 ? error->type == 3 && error->code == 3 : error->type == 1 && error->code == 4;
      if (port_unreachable) outcome = refused();
    }
  }
  close(answers);
  close(errors);
  return outcome;
}

std::unique_ptr<Traffic::Connection> Traffic::connect(const Netns& from, const SocketAddress& target) {
  const int client = open_socket(from, target.address.family(), SOCK_STREAM, 0);
  auto kernel = to_kernel(target);
  EXPECT_TRUE(::connect(client, kernel.raw(), kernel.size) == 0 || errno == EINPROGRESS) << std::strerror(errno);
  std::vector<pollfd> sources;
  for (const auto& each : listeners_) sources.push_back({each.fd, POLLIN, 0});
  int server = -1;
  if (poll(sources.data(), sources.size(), 5 * kPatienceMs) > 0) {
    for (const auto& each : sources) {
      if (each.revents != 0) server = accept4(each.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
  }
  EXPECT_GE(server, 0) << "nobody accepted at " << target.to_string();
  return std::make_unique<Connection>(client, server);
}

Traffic::Connection::~Connection() {
  close(client_);
  close(server_);
}

bool Traffic::Connection::alive() const {
  for (const auto& [from, to] : {std::pair(client_, server_), std::pair(server_, client_)}) {
    char byte = 'x';
    if (send(from, &byte, 1, MSG_NOSIGNAL) != 1) return false;
    pollfd source{to, POLLIN, 0};
    if (poll(&source, 1, 5 * kPatienceMs) <= 0 || recv(to, &byte, 1, 0) != 1) return false;
  }
  return true;
}

}  // namespace conntruth::lab_proxy::test
