#include "agent/drain_thread.hpp"

#include <algorithm>
#include <cstdint>

namespace conntruth::agent {

namespace {

constexpr std::uint64_t kEvents = 1;
constexpr std::uint64_t kEnding = 2;

}  // namespace

Result<std::unique_ptr<DrainThread>> DrainThread::start(const std::vector<int>& fds, std::function<void()> drain) {
  auto poller = io::Poller::open();
  if (!poller) return std::unexpected(poller.error());
  auto ending = io::Wakeup::open();
  if (!ending) return std::unexpected(ending.error());
  for (const auto fd : fds) {
    if (auto added = poller->add(fd, EPOLLIN, kEvents); !added) return std::unexpected(added.error());
  }
  if (auto added = poller->add(ending->fd(), EPOLLIN, kEnding); !added) return std::unexpected(added.error());
  std::unique_ptr<DrainThread> thread(new DrainThread(std::move(drain), std::move(*poller), std::move(*ending)));
  thread->thread_ = std::thread([at_work = thread.get()] { at_work->take_in(); });
  return thread;
}

void DrainThread::take_in() {
  while (true) {
    const auto events = poller_.wait(INT64_MAX, 0);
    if (std::ranges::any_of(events, [](const epoll_event& event) { return event.data.u64 == kEnding; })) return;
    drain_();
  }
}

void DrainThread::end() {
  if (!thread_.joinable()) return;
  ending_.ring();
  thread_.join();
}

}  // namespace conntruth::agent
