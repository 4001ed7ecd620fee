#pragma once
// The agents of a run as the controller sees them: who joined, what they report, who is gone.
//
// Agents open one stream each to `listen`'s target. What they do becomes events in one bounded queue ("fleet-events")
// that the run's thread empties with next(). Where the queue is full, streams are not read on: agents feel it as
// back-pressure and lose nothing.
//
// Store first: a batch stays in the agent's memory until acknowledge() is called for it, so acknowledge only what is in
// the store. After a cut the agent resends what was not acknowledged; duplicates are dropped here by their sequence.
//
// An agent is lost when nothing was heard of it for `lease` or when its stream ended and was not resumed within
// `resume_within`. A resumed agent keeps its session: assignments it had not finished are sent again (it ignores those
// that it already has). Leases are checked inside next(): call it at least once per lease.
// Agents whose protocol version is not ours are refused with a message that names both versions, and never appear here.
//
// With `admit` set an agent joins only after it agreed. Certificates are checked by the agents, so what TLS prevents is
// seen, in words, there.
//
// Errors: kConflict where another process listens on the target, kInvalidInput for a bad target or a TCP target that is
// neither secured nor a lab's, kUnsupported in a
// build without gRPC. Unix sockets are made with mode 0600. Threading: all functions may be called from any thread;
// next() from one at a time. Times are steady_clock.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::fleet {

using TimePoint = std::chrono::steady_clock::time_point;

struct AgentJoined {
  Hello hello;  // hello.node is the agent's name from here on
};

struct Batch {
  std::string agent;
  ResultBatch batch;
  std::string encoded;  // the same, as it came: hand it to RunStore::append_batch without encoding again
};

// The agent is forgotten, with its responders and unfinished assignments. One that comes back joins anew.
struct AgentLost {
  std::string agent;
  std::string why;  // one line, for people
};

// It was cut off and is back with the same session; nothing was lost.
struct AgentResumed {
  std::string agent;
};

using Event = std::variant<AgentJoined, Batch, AgentLost, AgentResumed>;

// How a TCP listener is protected. Unix sockets have their mode (0600) and stay plain.
struct ListenSecurity {
  std::string certificate_file;  // PEM, with what chains up to the CA; read by listen()
  std::string key_file;          // PEM
  bool plaintext_lab = false;    // TCP without TLS, on a network that is a lab's own
};

// Whether the agent that holds `token` may be that of `node`. kPermission: it may not, with why, which the agent is
// told; any other error: it could not be found out. Called from threads of the fleet's own, several at once; may block,
// for seconds at most, as stop() waits for it.
using Admit = std::function<Status(const std::string& token, const std::string& node)>;

// Every field has an initializer, so that callers may name just the ones they set.
// NOLINTBEGIN(readability-redundant-member-init)
struct FleetOptions {
  std::chrono::milliseconds lease{30'000};         // also told to the agents: they stop probing after that silence
  std::chrono::milliseconds resume_within{3'000};  // how long an ended stream may stay away
  std::size_t queue_capacity = 256;                // events; each agent may exceed it by the one message in its hand
  std::function<TimePoint()> now = [] { return std::chrono::steady_clock::now(); };
  ListenSecurity security{};
  Admit admit{};  // empty: everybody who reaches the listener
};
// NOLINTEND(readability-redundant-member-init)

// What went wrong on the way without harm; totals since the start.
struct FleetCounters {
  std::uint64_t duplicate_batches = 0;   // dropped: they had come before the cut
  std::uint64_t refused_agents = 0;      // wrong protocol version, no node name
  std::uint64_t missing_tokens = 0;      // agents refused: they brought none
  std::uint64_t refused_tokens = 0;      // agents refused: not theirs, not valid, or of another node
  std::uint64_t unchecked_tokens = 0;    // agents sent away: it could not be found out, or too many were waiting
  std::uint64_t malformed_messages = 0;  // each ended its stream
  std::uint64_t sequence_gaps = 0;       // each ended its stream; the agent resends
  std::uint64_t paused_reads = 0;        // how often a full queue held a stream back
};

// listener.hpp: gRPC in the product, a scripted one in tests.
class Listener;
class ConnectionEvents;

class Fleet {
 public:
  explicit Fleet(FleetOptions options);
  ~Fleet();  // stop("") where that was not called
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // "unix:/run/x.sock" or "HOST:PORT". Once.
  [[nodiscard]] Status listen(const std::string& target);
  // The next event, or none when `deadline` passes or wake() is called first.
  [[nodiscard]] std::optional<Event> next(TimePoint deadline);
  // next() returns, the one that waits or the one that comes: something else has happened.
  void wake();
  // kNotFound where no such agent is here. While it is cut off the assignment waits for it. Ids are unique in a run.
  [[nodiscard]] Status assign(const std::string& agent, const Assignment& assignment);
  // Everything of that agent up to `sequence` is stored. Unknown agents are ignored: they are lost already.
  void acknowledge(const std::string& agent, std::uint64_t sequence);
  // Tells every agent to stop, ends all streams and the listener; returns when they are gone (bounded, never hangs).
  // No events come after it. Agents exit on their own when told so.
  void stop(const std::string& reason);

  [[nodiscard]] std::vector<std::string> agents() const;  // those that joined and are not lost, sorted
  [[nodiscard]] FleetCounters counters() const;
  // Agents that were refused since they last joined: by the name they gave, with why. Of at most 100 names.
  [[nodiscard]] std::map<std::string, std::string> refusals() const;

  // For tests: a listener other than gRPC; the factory is called by listen().
  using ListenerFactory =
      std::function<Result<std::unique_ptr<Listener>>(const std::string& target, ConnectionEvents& events)>;
  Fleet(FleetOptions options, ListenerFactory factory);

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace conntruth::fleet
