#pragma once
// What the proxy wants in nftables, as plain values: two tables named "conntruth" (families ip and ip6) with chains,
// sets and verdict maps. Rules and elements are nft text (nft(8)). Two rulesets are compared to find the change that
// turns one into the other. Threading: values.

#include <map>
#include <string>
#include <vector>

#include "common/address.hpp"

namespace conntruth::lab_proxy {

inline constexpr const char* kTableName = "conntruth";

struct Chain {
  std::string hook;  // "type nat hook prerouting priority dstnat; policy accept;"; empty for a chain that is jumped to
  std::vector<std::string> rules;
  bool operator==(const Chain&) const = default;
};

struct Set {
  std::string kind;                             // "set" or "map"
  std::string declaration;                      // "{ type ipv4_addr; }"
  std::map<std::string, std::string> elements;  // key → verdict; the verdict is empty in a set
  bool operator==(const Set&) const = default;
};

struct Table {
  std::map<std::string, Chain> chains;
  std::map<std::string, Set> sets;
  bool operator==(const Table&) const = default;
};

struct Ruleset {
  std::map<Family, Table> tables;
  bool operator==(const Ruleset&) const = default;
};

}  // namespace conntruth::lab_proxy
