#pragma once
// How probes of one group of methods are sent and their answers read. One object per place; its thread only.

#include "agent/io/poller.hpp"
#include "agent/probe/book.hpp"

namespace conntruth::probe {

// What probers of a place share.
struct Desk {
  Book& book;
  io::Poller& poller;
  io::LossCounters& losses;
};

class Prober {
 public:
  Prober() = default;
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  virtual ~Prober() = default;

  // Opens what the task needs. An error makes every probe of the task a tool error with its message.
  [[nodiscard]] virtual Status prepare(TaskState& task) = 0;
  // Opens the flight `id` and sends it (perhaps not before flush()), or ends it at once. There is room in the book.
  virtual void send(TaskState& task, ProbeId id, std::int64_t now_ns) = 0;
  virtual void flush(std::int64_t /*now_ns*/) {}
  // A descriptor that this prober gave to the poller under `token` has `events`.
  virtual void ready(std::uint64_t token, std::uint32_t events, std::int64_t now_ns) = 0;
  // The task has ended.
  virtual void forget(TaskState& /*task*/) {}
};

// Tokens: a flight's own socket has the probe id (its upper half, the task, is never 0), a task's shared socket the id
// with the first of these sequence numbers, a kept connection its number with the second, and what belongs to the place
// small numbers.
inline constexpr std::uint32_t kSharedSequence = UINT32_MAX;
inline constexpr std::uint32_t kKeptSequence = UINT32_MAX - 1;

}  // namespace conntruth::probe
