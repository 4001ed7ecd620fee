#pragma once
// Source ports of probes: chosen by us for crafted packets and for sockets alike, because a port that comes back while
// conntrack still knows its last flow would carry that flow's old translation into the next step of a scenario.

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "agent/io/fd.hpp"
#include "common/address.hpp"
#include "common/model/source_ports.hpp"
#include "common/result.hpp"

namespace conntruth::probe {

struct PortRange {
  std::uint16_t first;
  std::uint16_t count;
};
inline constexpr PortRange kCraftedPorts{kFirstCraftedPort, kLastCraftedPort - kFirstCraftedPort + 1};
// Above node ports (30000-32767); most of what Linux itself takes for outgoing sockets.
inline constexpr PortRange kSocketPorts{33000, 28000};

// Where a walk through the range starts at a time: it moves on by 500 ports a second, more than a run of a few
// scenarios uses for one target, so that the next run meets none of the conntrack entries that it left; and it is round
// after 40 seconds, when even a cluster with the kernel's own time-outs has forgotten a probe's flow (UDP 30 s, a TCP
// flow that was reset 10 s: Documentation/networking/nf_conntrack-sysctl.rst). Pure.
inline constexpr std::int64_t kNsPerPort = 2'000'000;
[[nodiscard]] std::uint16_t first_port_at(std::int64_t now_ns, PortRange range);

// Walks round the range; one walk per (source, target, protocol), so that each flow of it is new. Pure.
class PortWalk {
 public:
  // `first` is in the range.
  PortWalk(PortRange range, std::uint16_t first) : range_(range), next_(first) {}
  std::uint16_t next();

 private:
  PortRange range_;
  std::uint16_t next_;
};

// Opens with the walk's next port, and with the one after where somebody else has it; `port` is the one taken.
template <typename Open>  // Result<io::Fd>(std::uint16_t)
[[nodiscard]] Result<io::Fd> with_free_port(PortWalk& walk, std::uint16_t& port, Open open) {
  constexpr int kAttempts = 64;
  for (int attempt = 1;; ++attempt) {
    port = walk.next();
    auto fd = open(port);
    if (fd || fd.error().code != ErrorCode::kConflict || attempt == kAttempts) return fd;
  }
}

// The walks of one place and protocol. Each starts at a number of its own: flows of several entries and vantages meet
// at one endpoint, and with equal ports every second of them would make conntrack look for another source port. Where
// a port costs something the walks share few starts, so that most ports are had already.
class PortWalks {
 public:
  // `starts`: how many there are at most, kStartsApart ports from each other; 0: as many as the range has ports.
  PortWalks(PortRange range, std::int64_t start_ns, std::uint16_t starts = 0)
      : range_(range), start_ns_(start_ns), starts_(starts) {}
  // The reference stays valid as long as this object.
  [[nodiscard]] PortWalk& of(const IpAddress& source, const SocketAddress& target);

 private:
  static constexpr std::size_t kStartsApart = 400;  // more than most tasks have probes

  PortRange range_;
  std::int64_t start_ns_;
  std::uint16_t starts_;
  std::map<std::pair<IpAddress, SocketAddress>, PortWalk> walks_;
};

// UDP ports held by sockets that nobody reads, so that the kernel has no reason to answer with "port unreachable"
// when a crafted probe's answer arrives. Only the ports used last are held: a descriptor each is too much for all.
// Of the namespace of the thread that uses it.
class ReservedPorts {
 public:
  static constexpr std::size_t kHeld = 1024;

  ReservedPorts();

  // True when the port is ours (now or already); false when somebody else has it.
  [[nodiscard]] bool reserve(std::uint16_t port);
  // The same for a port that a task asks for, until the last holder lets go. kConflict where it is taken.
  [[nodiscard]] Result<std::shared_ptr<io::Fd>> hold(std::uint16_t port);

 private:
  std::deque<std::pair<std::uint16_t, io::Fd>> sockets_;  // oldest first
  bool v6_;
  std::bitset<65536> ours_;
  std::map<std::uint16_t, std::weak_ptr<io::Fd>> held_;
};

}  // namespace conntruth::probe
