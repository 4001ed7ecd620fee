#pragma once
// An epoll loop's parts: Poller (descriptors with a 64-bit token each), Wakeup (from other threads) and an absolute
// timer.

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "agent/io/fd.hpp"
#include "common/result.hpp"

namespace conntruth::io {

class Poller {
 public:
  static constexpr std::size_t kEvents = 256;

  [[nodiscard]] static Result<Poller> open();
  [[nodiscard]] Status add(int fd, std::uint32_t events, std::uint64_t token) const;
  void remove(int fd) const;

  // Waits until something is ready, a Wakeup was rung or CLOCK_MONOTONIC reaches `until_ns` (INT64_MAX: no limit; a
  // time that has passed: only looks). The events are valid until the next call.
  [[nodiscard]] std::span<const epoll_event> wait(std::int64_t until_ns, std::int64_t now_ns);

 private:
  explicit Poller(Fd epoll, Fd timer) : epoll_(std::move(epoll)), timer_(std::move(timer)) {}
  void arm(std::int64_t until_ns);
  Fd epoll_;
  Fd timer_;
  std::int64_t armed_ns_ = 0;  // 0: not armed
  std::array<epoll_event, kEvents> events_{};
};

inline constexpr std::uint64_t kTimerToken = UINT64_MAX;  // never handed out by wait()

class Wakeup {
 public:
  [[nodiscard]] static Result<Wakeup> open();
  void ring() const;
  void clear() const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit Wakeup(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace conntruth::io
