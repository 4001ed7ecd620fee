#pragma once
// A task while it runs, and the assignment it belongs to.

#include <atomic>
#include <memory>

#include "agent/io/fd.hpp"
#include "common/model/probe.hpp"

namespace conntruth::probe {

class PortWalk;

struct AssignmentState {
  explicit AssignmentState(std::uint64_t the_id, std::size_t tasks)
      : id(the_id), open_tasks(tasks), busy_tasks(tasks) {}
  const std::uint64_t id;
  std::atomic<std::size_t> open_tasks;  // over all places; who brings it to 0 reports the assignment
  std::atomic<std::size_t> busy_tasks;  // those that are not quiet; the same
};

// Whether anything comes back for a task. It decides how many of its probes may be under way at once: answers queue up
// in the machine where too many are awaited, and a queue of a second looks like loss; silence costs nobody anything.
enum class Standing : std::uint8_t {
  kUnknown,    // nothing came back yet: a few probes only
  kAnswering,  // something did: as many as the window of awaited answers allows
  kSilent,     // nothing did for half a timeout, or for so many probes in a row: as many as the flight table holds
};
inline constexpr std::uint32_t kSilentAfter = 8;  // probes in a row

struct TaskState {
  ProbeTask spec;
  std::shared_ptr<AssignmentState> assignment;

  std::uint32_t next = 0;  // sequence number of the next probe
  std::uint32_t in_flight = 0;
  std::uint32_t streak = 0;    // consecutive probes that ended as its until_... want
  bool enough = false;         // until_count was reached
  bool one_at_a_time = false;  // the next probe only after the last has ended
  Standing standing = Standing::kUnknown;
  std::uint32_t unanswered = 0;  // probes in a row that ran out of time
  bool paused = false;           // no turns until its standing is known
  std::int64_t first_ns = 0;     // when its first probe was sent
  std::int64_t due_ns = 0;       // of the probe sent last
  std::int64_t last_ns = 0;      // when that was sent
  bool quiet = false;            // it was quiet before it ended

  // Set by the task's prober.
  IpAddress source;
  PortWalk* ports = nullptr;     // the next source port; null where the task has a fixed one
  std::shared_ptr<io::Fd> held;  // udp-crafted with a fixed port: the port's reservation
  io::Fd shared;                 // udp-socket with a fixed port: its one socket

  // Enough probes for now to learn whether it is answered. Tasks with a pace of their own are no burden.
  [[nodiscard]] bool on_probation() const {
    constexpr std::uint32_t kProbation = 2;
    return standing == Standing::kUnknown && in_flight >= kProbation && spec.interval.count() == 0;
  }
  [[nodiscard]] bool all_sent() const { return enough || next == spec.count; }
  // Everything is sent and nothing ever came back, not to the last probe either, which has waited for a quarter of its
  // timeout: a queue would have given something back by now. Those over HTTP or on a kept connection have other ends.
  [[nodiscard]] bool may_be_quiet() const {
    return all_sent() && standing != Standing::kAnswering && spec.connection == 0 && spec.path.empty();
  }
  [[nodiscard]] std::int64_t quiet_ns() const { return last_ns + std::chrono::nanoseconds(spec.timeout).count() / 4; }
  [[nodiscard]] bool finished() const { return all_sent() && in_flight == 0; }
};

}  // namespace conntruth::probe
