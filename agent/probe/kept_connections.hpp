#pragma once
// tcp-socket probes over connections that outlive their tasks (ProbeTask::connection): the first probe opens the
// connection, each probe is one request and its answer on it, one at a time per task. A connection stays open until the
// place goes, so that a later task finds it as a client would that went on talking. Once it has ended, by RST, ICMP
// error or close, it is not opened again: that would be another flow.

#include <map>
#include <string_view>

#include "agent/probe/ports.hpp"
#include "agent/probe/prober.hpp"

namespace conntruth::probe {

class KeptConnections final : public Prober {
 public:
  static constexpr std::size_t kLimit = 4096;  // connections of a place

  // `walks` are those of the other TCP sockets of the place, so that no port is taken twice.
  KeptConnections(Desk desk, PortWalks& walks) : desk_(desk), walks_(walks) {}
  Status prepare(TaskState& task) override;
  void send(TaskState& task, ProbeId id, std::int64_t now_ns) override;
  void ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) override;
  [[nodiscard]] static bool owns(std::uint64_t token) { return sequence_of(token) == kKeptSequence; }

 private:
  struct Connection {
    SocketAddress target;
    io::Fd fd;
    std::uint16_t port = 0;
    bool connected = false;
    bool over = false;
    std::optional<Refusal> refusal;  // what ended it; over without one: a close
    ProbeId awaited = 0;             // the request that was sent last
    wire::ProbeHeaderBytes answer{};
    std::size_t received = 0;  // bytes of `answer`
  };

  // The connection of the task, opened where it was not yet.
  Status open(Connection& connection, const TaskState& task);
  void request(Connection& connection, Flight& flight, std::int64_t now_ns);
  void connected(Connection& connection, std::int64_t now_ns);
  void read(Connection& connection, std::int64_t now_ns);
  void take_answer(Connection& connection, std::int64_t now_ns);
  // It has ended, for `number` (errno).
  void end(Connection& connection, int number, std::int64_t now_ns);
  void hung_up(Connection& connection);

  Desk desk_;
  PortWalks& walks_;
  std::map<std::uint32_t, Connection> connections_;
};

}  // namespace conntruth::probe
