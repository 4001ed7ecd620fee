#pragma once
// udp-socket probes: a new connected UDP socket per probe (a new source port), or one socket for a task with a fixed
// port. ICMP errors come through the socket's error queue.

#include <unordered_map>

#include "agent/probe/ports.hpp"
#include "agent/probe/prober.hpp"

namespace conntruth::probe {

class UdpSockets final : public Prober {
 public:
  UdpSockets(Desk desk, std::int64_t start_ns) : desk_(desk), walks_(kSocketPorts, start_ns) {}
  Status prepare(TaskState& task) override;
  void send(TaskState& task, ProbeId id, std::int64_t now_ns) override;
  void ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) override;
  void forget(TaskState& task) override;

 private:
  void transmit(int fd, Flight& flight, std::int64_t now_ns);
  // Each works on one datagram or error; false when there is none or the flight that owns `fd` has ended.
  bool read_error(int fd, std::uint64_t token, std::int64_t now_ns);
  bool read_answer(int fd, std::uint64_t token, std::int64_t now_ns);

  Desk desk_;
  PortWalks walks_;
  std::unordered_map<std::uint32_t, TaskState*> shared_;  // tasks with a fixed port
};

}  // namespace conntruth::probe
