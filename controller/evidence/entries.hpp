#pragma once
// Entries of connection tracking that belong to walks: by node, place and the addresses that packets had there. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "controller/evidence/walk.hpp"

namespace conntruth::evidence {

class Entries {
 public:
  void take(const std::string& node, const EntryLife& life);
  // Those of the flow that the steps are of, whichever way they go, translated or not; by node, place and time.
  [[nodiscard]] std::vector<FollowedEntry> of(const std::vector<Step>& steps) const;

 private:
  // Node, place, protocol, and the addresses as a packet of the probe has them.
  using Key = std::tuple<std::string, std::string, Protocol, SocketAddress, SocketAddress>;
  std::vector<FollowedEntry> all_;
  std::map<Key, std::vector<std::size_t>> by_packet_;
};

// What became of it, in words: "created 31.2 us after the first step, still there afterwards". Times since `begin_ns`.
[[nodiscard]] std::string life_to_text(const EntryLife& life, std::int64_t begin_ns);
// Two lines for each entry, for people.
[[nodiscard]] std::string entries_to_text(const Walk& walk);

}  // namespace conntruth::evidence
