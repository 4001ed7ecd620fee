#include "agent/io/poller.hpp"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>

namespace conntruth::io {

Result<Poller> Poller::open() {
  Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno("epoll_create1", errno);
  Fd timer(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  if (!timer) return fail_errno("timerfd_create", errno);
  Poller poller(std::move(epoll), std::move(timer));
  if (auto added = poller.add(poller.timer_.get(), EPOLLIN | EPOLLET, kTimerToken); !added) {
    return std::unexpected(added.error());
  }
  return poller;
}

Status Poller::add(int fd, std::uint32_t events, std::uint64_t token) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl", errno);
  return {};
}

void Poller::remove(int fd) const { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

// A timer that is armed for earlier is left: an early wake-up costs less than a system call per round.
void Poller::arm(std::int64_t until_ns) {
  if (until_ns == INT64_MAX || (armed_ns_ != 0 && armed_ns_ <= until_ns)) return;
  itimerspec when{};
  when.it_value = {.tv_sec = until_ns / 1'000'000'000, .tv_nsec = until_ns % 1'000'000'000};
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  armed_ns_ = until_ns;
}

std::span<const epoll_event> Poller::wait(std::int64_t until_ns, std::int64_t now_ns) {
  const bool block = until_ns > now_ns;
  if (armed_ns_ <= now_ns) armed_ns_ = 0;  // it has fired
  if (block) arm(until_ns);
  const int count = epoll_wait(epoll_.get(), events_.data(), kEvents, block ? -1 : 0);
  const auto end = std::remove_if(events_.begin(), events_.begin() + std::max(count, 0),
                                  [](const epoll_event& event) { return event.data.u64 == kTimerToken; });
  return {events_.data(), static_cast<std::size_t>(end - events_.begin())};
}

Result<Wakeup> Wakeup::open() {
  Fd fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd) return fail_errno("eventfd", errno);
  return Wakeup(std::move(fd));
}

void Wakeup::ring() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);  // full means that it is rung already
}

void Wakeup::clear() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto read = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace conntruth::io
