#pragma once
// When probes run out of time. Probes of one timeout expire in the order they were sent, so a queue per timeout value
// needs no heap. Answered probes stay in their queue until their time and are skipped by the caller. Pure.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "common/model/probe.hpp"

namespace conntruth::probe {

class Deadlines {
 public:
  void add(ProbeId id, std::int64_t sent_ns, std::int64_t timeout_ns) {
    auto lane = std::ranges::find(lanes_, timeout_ns, &Lane::timeout_ns);
    if (lane == lanes_.end()) lane = lanes_.insert(lanes_.end(), {timeout_ns, {}});
    lane->entries.push_back({sent_ns + timeout_ns, id});
  }

  // One whose deadline is at or before `now_ns`, each once.
  [[nodiscard]] std::optional<ProbeId> take(std::int64_t now_ns) {
    for (auto& lane : lanes_) {
      if (lane.entries.empty() || lane.entries.front().deadline_ns > now_ns) continue;
      const auto id = lane.entries.front().id;
      lane.entries.pop_front();
      return id;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::int64_t next_ns() const {
    std::int64_t next = INT64_MAX;
    for (const auto& lane : lanes_) {
      if (!lane.entries.empty()) next = std::min(next, lane.entries.front().deadline_ns);
    }
    return next;
  }

 private:
  struct Entry {
    std::int64_t deadline_ns;
    ProbeId id;
  };
  struct Lane {
    std::int64_t timeout_ns;
    std::deque<Entry> entries;
  };
  std::vector<Lane> lanes_;
};

// How many of the flights of the last one to two ticks are still open. Older ones do not count: whoever waits that long
// waits for a deadline. Pure.
class RecentFlights {
 public:
  explicit RecentFlights(std::int64_t tick_ns) : tick_ns_(tick_ns) {}

  void opened(std::int64_t sent_ns) {
    roll(sent_ns);
    ++current_;
  }
  void closed(std::int64_t sent_ns) {
    const auto tick = sent_ns / tick_ns_;
    if (tick == tick_ && current_ > 0) --current_;
    if (tick == tick_ - 1 && previous_ > 0) --previous_;
  }
  [[nodiscard]] std::size_t count(std::int64_t now_ns) {
    roll(now_ns);
    return current_ + previous_;
  }
  [[nodiscard]] std::int64_t next_ns() const { return (tick_ + 1) * tick_ns_; }  // when the count shrinks by itself

 private:
  void roll(std::int64_t now_ns) {
    const auto tick = now_ns / tick_ns_;
    if (tick <= tick_) return;
    previous_ = tick == tick_ + 1 ? current_ : 0;
    current_ = 0;
    tick_ = tick;
  }
  std::int64_t tick_ns_;
  std::int64_t tick_ = 0;
  std::size_t current_ = 0;
  std::size_t previous_ = 0;
};

}  // namespace conntruth::probe
