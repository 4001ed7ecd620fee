#pragma once
// Gives addresses and port numbers, in the order in which they are asked for; the same key always gets the same one.
// Internal to the room. Threading: one planner, one thread.
//
// Port numbers, so that none meets another: controls 4000..4999, responders 5000..7999, source ports of fixed flows
// 8000..8999, crafted source ports (the engine's) 10000..29999, node ports 30000..32767, the kernel's own above.

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "common/model/source_ports.hpp"
#include "common/model/topology.hpp"
#include "common/result.hpp"

namespace conntruth::plan {

inline constexpr std::uint16_t kControlPort = 4000;
inline constexpr std::uint16_t kClosedPort = 4001;
inline constexpr std::uint16_t kFirstCanaryPort = 4100;  // another one at each stage
inline constexpr std::uint16_t kCanaryPorts = 800;
inline constexpr std::uint16_t kFirstResponderPort = 5000;
inline constexpr std::uint16_t kFixedPorts = kLastFixedPort - kFirstFixedPort + 1;
inline constexpr std::uint16_t kUnusedServicePort = 4999;  // no Service has it

enum class Range : std::uint8_t { kCluster, kExternal, kLoadBalancer };

class Allocation {
 public:
  Allocation(const ServiceRanges& ranges, std::uint16_t fixed_port_offset)
      : ranges_(ranges),
        fixed_port_offset_(fixed_port_offset),
        taken_(ranges.taken_addresses.begin(), ranges.taken_addresses.end()),
        taken_node_ports_(ranges.taken_node_ports.begin(), ranges.taken_node_ports.end()),
        next_node_port_(ranges.node_port_first) {}
  // Never given to anybody from now on.
  void reserve(const IpAddress& address) { taken_.insert(address); }

  // kNotFound where there is no range of that family, kResource where it is used up.
  [[nodiscard]] Result<IpAddress> address(Range range, Family family, const std::string& key);
  [[nodiscard]] Result<std::uint16_t> node_port(const std::string& key);
  [[nodiscard]] Result<std::uint16_t> responder_port(const std::string& key);
  [[nodiscard]] std::uint16_t fixed_port(const std::string& place, const std::string& key);

 private:
  ServiceRanges ranges_;
  std::uint16_t fixed_port_offset_;
  std::set<IpAddress> taken_;
  std::set<std::uint16_t> taken_node_ports_;
  std::uint32_t next_node_port_;
  std::map<std::string, IpAddress> addresses_;
  std::map<std::pair<Range, Family>, std::uint32_t> next_address_;
  std::map<std::string, std::uint16_t> node_ports_;
  std::map<std::string, std::uint16_t> responder_ports_;
  std::map<std::string, std::map<std::string, std::uint16_t>> fixed_ports_;  // by place
};

}  // namespace conntruth::plan
