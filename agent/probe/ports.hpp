#pragma once
// Source ports of crafted probes.

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "agent/io/fd.hpp"
#include "agent/io/filter.hpp"
#include "common/result.hpp"

namespace conntruth::probe {

inline constexpr std::uint16_t kFirstPort = io::kFirstCraftedPort;
inline constexpr std::uint16_t kPorts = io::kLastCraftedPort - io::kFirstCraftedPort + 1;

// Where a walk through the range starts at a time: it moves on by 100 ports a second, so that a run started later meets
// none of the conntrack entries that the last one left. Pure.
[[nodiscard]] std::uint16_t first_port_at(std::int64_t now_ns);

// Walks round the range; one walk per (source, target, protocol), so that each flow of it is new. Pure.
class PortWalk {
 public:
  explicit PortWalk(std::uint16_t first) : next_(first) {}  // kFirstPort .. kFirstPort + kPorts - 1
  std::uint16_t next();

 private:
  std::uint16_t next_;
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
