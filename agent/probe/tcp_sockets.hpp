#pragma once
// tcp-socket probes: a non-blocking connect, a probe header, its answer, and a close by RST (SO_LINGER 0), so that
// neither end keeps TIME_WAIT. The SYN is sent again by the kernel after one second: with a longer timeout a probe that
// lost its first SYN is still answered.
//
// http-get probes differ in what is said over the connection: a request to somebody else's server, and its answer. One
// that is no HTTP answer is an acceptance without identity.

#include "agent/probe/ports.hpp"
#include "agent/probe/prober.hpp"

namespace conntruth::probe {

class TcpSockets final : public Prober {
 public:
  TcpSockets(Desk desk, std::int64_t start_ns) : desk_(desk), walks_(kSocketPorts, start_ns) {}
  Status prepare(TaskState& task) override;
  void send(TaskState& task, ProbeId id, std::int64_t now_ns) override;
  void ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) override;
  [[nodiscard]] PortWalks& walks() { return walks_; }

 private:
  void connected(Flight& flight, std::int64_t now_ns);
  [[nodiscard]] static ssize_t send_request(const Flight& flight);
  void read_answer(Flight& flight, std::int64_t now_ns);
  void read_http(Flight& flight, bool ended, std::int64_t now_ns);
  // The connection did not come about, for `number` (errno).
  void lost(Flight& flight, int number, std::int64_t now_ns);
  // The connection came about and ended without identity.
  void hung_up(Flight& flight);
  void drop_socket(Flight& flight) const;

  Desk desk_;
  PortWalks walks_;
};

}  // namespace conntruth::probe
