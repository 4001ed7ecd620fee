#pragma once
// Packets by the recipes of packets.yaml, and what the walk's programs must say of them.

#include <cstdint>
#include <vector>

#include "common/model/probe_id.hpp"
#include "common/wire/packet.hpp"
#include "tests/bpf/packet_case.hpp"

namespace conntruth::tests {

// Whose packets a case's are; no two cases have the same, so that none is known by another's.
struct PacketOwner {
  ProbeId id = 0;
  wire::Endpoints flow;  // of the probe
  [[nodiscard]] static PacketOwner of_case(std::size_t number, Family family);
};

struct MadePacket {
  std::vector<std::uint8_t> bytes;  // from the IP header on
  wire::Endpoints flow;             // as the walk has to tell it; an ICMP error has no ports
  std::uint8_t protocol = 0;        // as the walk has to tell it: that of the packet which an error quotes
  IcmpMessage icmp;
};

// A message as our own code or a kernel makes it. Throws std::invalid_argument for a name that is none.
[[nodiscard]] MadePacket make_message(const std::string& message, const PacketOwner& owner);
[[nodiscard]] MadePacket make_packet(const PacketRecipe& recipe, const PacketOwner& owner);

}  // namespace conntruth::tests
