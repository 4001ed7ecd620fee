#pragma once
// A table of the packet filter as `nft --handle --stateless --terse --numeric-priority list table` prints it: which
// chains are at which hook, and the text of each rule by its handle. Pure; what it does not understand it passes over.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/observe/trace_message.hpp"
#include "common/model/hop.hpp"

namespace conntruth::observe {

struct BaseHook {
  bool nat = false;                   // of type nat
  std::optional<NetfilterHook> hook;  // none: ingress and egress, which are no hooks of the IP families
  std::int32_t priority = 0;
  bool operator==(const BaseHook&) const = default;
};

struct ListedRule {
  std::uint64_t handle = 0;
  std::string text;  // on one line
  bool operator==(const ListedRule&) const = default;
};

struct ListedChain {
  std::optional<BaseHook> base;  // none: only other chains lead to it
  std::vector<ListedRule> rules;
  bool operator==(const ListedChain&) const = default;
};

using ListedTable = std::map<std::string, ListedChain, std::less<>>;  // chains by name
[[nodiscard]] ListedTable read_listing(std::string_view text);

// A rule's look-up of something of the packet in a map of verdicts.
struct MapLookup {
  std::string map;
  std::string key;     // of that packet, as nft writes an element: "10.96.0.10 . tcp . 80"
  bool alone = false;  // the rule asks for nothing else, so that where it did not apply the map has no such element
  bool operator==(const MapLookup&) const = default;
};
// None where the rule has no such look-up, or one by what a trace does not tell of a packet.
[[nodiscard]] std::optional<MapLookup> lookup_of(std::string_view rule, const TracedPacket& packet);

}  // namespace conntruth::observe
