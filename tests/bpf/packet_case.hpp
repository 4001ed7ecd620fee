#pragma once
// The cases of packets.yaml as values. Pure; reading throws what yaml-cpp throws.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/address.hpp"

namespace conntruth::tests {

enum class Seen : std::uint8_t { kNo, kProbe, kAnswer };

// LAYER+OFFSET of the file, or a plain number, of which one below zero counts from the end.
struct PacketPoint {
  std::string layer;  // "ip", "transport", "payload", or "" for a plain number
  int offset = 0;
};

struct IcmpMessage {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
};

struct PacketRecipe {
  std::string message;
  std::vector<std::string> first;
  std::vector<std::pair<PacketPoint, std::vector<std::uint8_t>>> set;
  std::optional<std::uint8_t> protocol;
  std::optional<std::uint8_t> extension;
  std::size_t options = 0;
  std::optional<std::size_t> size;
  bool bare = false;  // no more than the headers, and they say so
  std::optional<PacketPoint> cut;
  std::map<Family, IcmpMessage> error;
  std::size_t quotes = 0;
};

struct PacketCase {
  std::string name;
  PacketRecipe packet;
  std::vector<Family> families;
  Seen seen = Seen::kNo;
  std::map<std::string, Seen> but;
  [[nodiscard]] Seen expected_of(const std::string& program) const;
};

[[nodiscard]] std::vector<PacketCase> read_packet_cases(const std::string& path);

// Files of this folder; CONNTRUTH_SOURCE_DIR of the environment where the tree has been moved to another place.
[[nodiscard]] std::string data_file(const std::string& name);

}  // namespace conntruth::tests
