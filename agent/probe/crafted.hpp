#pragma once
// udp-crafted, tcp-syn and sctp-init probes: whole packets through raw IP sockets, in batches; answers by filtered raw
// sockets; refusals by ICMP, RST and ABORT. Everything is opened when the first task needs it.

#include <array>
#include <map>
#include <unordered_map>

#include "agent/io/batch.hpp"
#include "agent/probe/ports.hpp"
#include "agent/probe/prober.hpp"
#include "common/wire/packet.hpp"

namespace conntruth::probe {

class Crafted final : public Prober {
 public:
  Crafted(Desk desk, std::int64_t start_ns) : desk_(desk), start_ns_(start_ns) {}
  Status prepare(TaskState& task) override;
  void send(TaskState& task, ProbeId id, std::int64_t now_ns) override;
  void flush(std::int64_t now_ns) override;
  void ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) override;
  void forget(TaskState& task) override;

 private:
  struct Sender {
    io::Fd fd;
    io::SendBatch batch;
    std::array<ProbeId, io::kBatch> ids{};
  };
  struct Receiver {
    io::Fd fd;
    Family family = Family::kIpv4;
    std::uint8_t protocol = 0;  // as IP numbers it; ICMP and ICMPv6 too
    std::uint32_t overflow = 0;
  };
  // A packet that passed a receiver's filter.
  struct Arrival {
    Family family;
    SocketAddress from;  // port filled in by who knows the protocol
    IpAddress to;
    wire::Bytes data;  // from the transport header on
    std::int64_t now_ns;
  };
  using Target = std::pair<Protocol, SocketAddress>;

  Status open_sender(Family family);
  Status open_receiver(Family family, std::uint8_t protocol);
  [[nodiscard]] std::uint16_t choose_port(TaskState& task);
  void flush(Sender& sender, std::int64_t now_ns);
  void read(Receiver& receiver, std::size_t index, std::int64_t now_ns);
  void read_udp(Arrival arrival);
  void read_tcp(Arrival arrival);
  void read_sctp(Arrival arrival);
  void read_icmp(const Arrival& arrival);
  void answer(const Arrival& arrival, ProbeId id, std::uint16_t port, const wire::Identity& identity);
  // Somebody without an identity has answered.
  void accept(Flight& flight, std::int64_t now_ns);
  // Ends a foreign connection in the server's queue of half-open ones. The kernel does so as well where it may.
  void reset(const Flight& flight, const wire::TcpHeader& answer, std::int64_t now_ns);
  void refuse(Protocol protocol, const Arrival& arrival, std::uint32_t sequence, std::uint16_t port, RefusalKind kind);
  // The flight of `flow`, as it was sent, with that sequence number, whichever task it is of.
  [[nodiscard]] Flight* find(Protocol protocol, const wire::Endpoints& flow, std::uint32_t sequence);
  [[nodiscard]] static bool is_of(const Flight& flight, const wire::Endpoints& flow);
  [[nodiscard]] Flight* find_quoted(const wire::IcmpError& error);
  [[nodiscard]] Flight* find_by_port(Protocol protocol, const wire::Endpoints& flow);

  Desk desk_;
  std::int64_t start_ns_;
  std::map<Family, Sender> senders_;
  std::vector<Receiver> receivers_;  // token = index + 1
  io::ReceiveBatch batch_;
  ReservedPorts reserved_;
  std::map<Protocol, PortWalks> walks_;
  std::map<Target, std::vector<TaskState*>> tasks_;
};

}  // namespace conntruth::probe
