#pragma once
// Whose packet a trace is about. A trace quotes the first bytes of a packet, in which the whole id of a probe has no
// room; the packet walk knows the id of the same packet at the same place. Pure.
// Threading: one thread at a time.

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "agent/observe/trace_message.hpp"
#include "common/model/hop.hpp"

namespace conntruth::observe {

// One packet's way through the chains of one hook, as far as they belong to one chain at the hook.
struct TracedRun {
  std::size_t place = 0;
  std::int64_t read_ns = 0;  // CLOCK_MONOTONIC: when its first event was read
  TracedPacket packet;
  std::vector<TraceEvent> events;  // in the kernel's order; without `packet`
};

class TraceJoin {
 public:
  struct Owner {
    ProbeId probe = 0;
    bool answer = false;
    bool operator==(const Owner&) const = default;
  };

  void saw(std::size_t place, const Hop& hop);
  // Parallel to the runs, which are in the order in which they were read; none where nobody saw such a packet. Where
  // several probes were of one flow, the n-th run of a chain is the n-th probe's.
  [[nodiscard]] std::vector<std::optional<Owner>> owners(const std::vector<TracedRun>& runs) const;

 private:
  // Protocol 0 stands for ICMP errors, which have no ports.
  using Key = std::tuple<std::size_t, std::uint8_t, SocketAddress, SocketAddress>;
  struct Seen {
    std::int64_t at_ns = 0;  // the first time
    Owner owner;
  };
  [[nodiscard]] static Key key_of(std::size_t place, const TracedPacket& packet);
  [[nodiscard]] std::vector<Seen> candidates(const TracedRun& run) const;
  std::map<Key, std::vector<Seen>> seen_;
};

}  // namespace conntruth::observe
