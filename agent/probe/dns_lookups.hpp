#pragma once
// dns-lookup probes: both questions of a name, for IPv4 and IPv6 addresses, over one connected UDP socket, as a
// client's resolver asks them. The probe is answered when both are; a question is not asked again.

#include <optional>
#include <unordered_map>

#include "agent/probe/ports.hpp"
#include "agent/probe/prober.hpp"

namespace conntruth::probe {

class DnsLookups final : public Prober {
 public:
  DnsLookups(Desk desk, std::int64_t start_ns) : desk_(desk), walks_(kSocketPorts, start_ns) {}
  Status prepare(TaskState& task) override;
  void send(TaskState& task, ProbeId id, std::int64_t now_ns) override;
  void ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) override;
  void forget(TaskState& task) override;

 private:
  void ask(Flight& flight, std::int64_t now_ns);
  // Works on one datagram; false when there is none or the flight has ended.
  bool read_answer(Flight& flight, std::int64_t now_ns);
  void take(Flight& flight, Family family, NameAnswer answer, std::int64_t now_ns);

  Desk desk_;
  PortWalks walks_;
  struct First {
    Family family;
    NameAnswer answer;
  };
  // Of each task one probe is under way at a time: the one of its two answers that has come.
  std::unordered_map<std::uint32_t, std::optional<First>> halves_;
};

}  // namespace conntruth::probe
