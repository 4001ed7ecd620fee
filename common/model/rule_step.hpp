#pragma once
// What the packet filter did with one packet of one probe: each rule that applied, each chain that ended without a
// decision, each look-up that found nothing. Plain values, reported beside the hops of a walk (hop.hpp).
// Source: NFT_MSG_TRACE of include/uapi/linux/netfilter/nf_tables.h.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/address.hpp"
#include "common/model/hop.hpp"
#include "common/model/probe_id.hpp"

namespace conntruth {

enum class RuleEvent : std::uint8_t {
  kRule = 1,  // a rule applied: all that it asks for was so
  kEnd,       // none of the chain's rules decided, so the packet went on where it had come from
  kPolicy,    // the same of a chain at a hook: its policy decided
  kMiss,      // a rule looked something up in a map, which has no such element
};
[[nodiscard]] std::string_view to_string(RuleEvent event);  // "rule", "end", "policy", "miss"

enum class RuleVerdict : std::uint8_t { kContinue = 1, kAccept, kDrop, kJump, kGoto, kReturn, kOther };
[[nodiscard]] std::string_view to_string(RuleVerdict verdict);  // "continue", "accept", ...

struct RuleStep {
  ProbeId probe = 0;
  bool answer = false;      // as of Hop
  std::uint32_t order = 0;  // of the node's steps: they rise as the kernel reported them
  NamespaceName place;
  Protocol protocol = Protocol::kTcp;
  SocketAddress source, destination;  // of the packet when it came to the chain at the hook
  NetfilterHook hook = NetfilterHook::kPrerouting;
  std::int32_t priority = 0;  // of the chain at the hook, by which this one was reached
  bool nat = false;           // that chain translates (its type is nat): only packets of new flows come to it
  RuleEvent event = RuleEvent::kRule;
  RuleVerdict verdict = RuleVerdict::kContinue;
  std::string to;            // kJump, kGoto: the chain
  std::string table;         // "inet planted"
  std::string chain;         // where the rule is, or which one ended
  std::uint64_t handle = 0;  // of the rule, by which `nft -a list` shows it; 0 without one
  std::string text;        // kRule: as nft lists it, "" where it was gone already; kMiss: "no element KEY in map NAME"
  std::uint32_t mark = 0;  // the packet's, afterwards
  bool operator==(const RuleStep&) const = default;
};

}  // namespace conntruth
