#pragma once
// One probe's way through the nodes: its outcome, and every step that the kernels of all nodes reported of its packet
// and of what answered it. Plain values and pure functions.

#include <optional>
#include <string>
#include <vector>

#include "common/model/entry_life.hpp"
#include "common/model/hop.hpp"
#include "common/model/probe.hpp"
#include "common/model/rule_step.hpp"

namespace conntruth::evidence {

struct Step {
  std::string node;  // the agent's name that reported it
  Hop hop;
  bool operator==(const Step&) const = default;
  // "node-2", or the pod's name
  [[nodiscard]] const std::string& where() const { return hop.place.empty() ? node : hop.place; }
};

// What the packet filter of a node did with it.
struct MetRule {
  std::string node;
  RuleStep step;
  bool operator==(const MetRule&) const = default;
  [[nodiscard]] const std::string& where() const { return step.place.empty() ? node : step.place; }
};

// An entry of connection tracking of a node that the probe's packets had.
struct FollowedEntry {
  std::string node;
  EntryLife life;
  bool operator==(const FollowedEntry&) const = default;
  [[nodiscard]] const std::string& where() const { return life.place.empty() ? node : life.place; }
};

struct Walk {
  Sample sample;
  std::string client;  // the agent's name that sent it
  std::vector<Step>
      steps;  // by time: all nodes of a lab have one clock; of other nodes, each node's own steps are in order
  bool established = false;                 // of a request on a connection that was open, so that its entry is not old
  std::vector<MetRule> rules = {};          // by node, and in each node's order
  std::vector<FollowedEntry> entries = {};  // by node, place and time
  // Of which nodes steps may be missing, and why: "node-3 lost 12 events".
  std::vector<std::string> gaps = {};
  bool operator==(const Walk&) const = default;
};

// Sorted by time, and each step once.
void put_in_order(Walk& walk);

// One step per line, for people: time since the first, where, what, addresses, connection tracking.
[[nodiscard]] std::string to_text(const Walk& walk);

// ---- What can be read off a walk. Null where there is no such step; pointers into the walk. ----

enum class Way : std::uint8_t { kThere, kBack };
[[nodiscard]] std::vector<const Step*> steps_of(const Walk& walk, Way way);
[[nodiscard]] const Step* last_of(const Walk& walk, Way way);
// In that node or pod.
[[nodiscard]] const Step* last_at(const Walk& walk, Way way, const std::string& where);
// Of no socket's own filter: these are ours.
[[nodiscard]] const Step* drop_of(const Walk& walk, Way way);
// The first one at which the destination is not what it was sent to.
[[nodiscard]] const Step* translation_of(const Walk& walk, const SocketAddress& target);
// The first step, where the packet has another destination already than it was sent to: a program of a cgroup gave the
// socket another one (BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_UDP6_SENDMSG, ... of include/uapi/linux/bpf.h).
[[nodiscard]] const Step* translation_at_socket(const Walk& walk, const SocketAddress& target);
// Where a packet came to rules of translation with an entry that an earlier packet had made: they are asked for new
// entries alone.
[[nodiscard]] const Step* entry_of_before(const Walk& walk);
// The first one at which the source address is another than at the first step.
[[nodiscard]] const Step* source_change_of(const Walk& walk);
// Where a pod gets what it sent itself, untranslated at the source: it takes it for its own, or answers itself
// directly.
[[nodiscard]] const Step* step_to_itself(const Walk& walk);
// The last hook that was passed where `step` is, up to it.
[[nodiscard]] const Step* last_hook(const Walk& walk, const Step& step);
// The first step of the answer at which connection tracking says so of it.
[[nodiscard]] const Step* answer_with(const Walk& walk, ConntrackInfo info);
// Where a kernel reset what it took for no connection of its own.
[[nodiscard]] const Step* reset_of_answer(const Walk& walk);
// The kernel's own refusal: an ICMP error or a reset.
[[nodiscard]] const Step* refusal_of(const Walk& walk);

}  // namespace conntruth::evidence
