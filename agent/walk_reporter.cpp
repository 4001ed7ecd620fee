#include "agent/walk_reporter.hpp"

#include <algorithm>

namespace conntruth::agent {

namespace {

constexpr std::uint64_t kEvents = 1;
constexpr std::uint64_t kEnding = 2;

}  // namespace

Result<std::unique_ptr<WalkReporter>> WalkReporter::start(observe::PacketWalk walk, Take take) {
  auto poller = io::Poller::open();
  if (!poller) return std::unexpected(poller.error());
  auto ending = io::Wakeup::open();
  if (!ending) return std::unexpected(ending.error());
  if (auto added = poller->add(walk.fd(), EPOLLIN, kEvents); !added) return std::unexpected(added.error());
  if (auto added = poller->add(ending->fd(), EPOLLIN, kEnding); !added) return std::unexpected(added.error());
  std::unique_ptr<WalkReporter> reporter(
      new WalkReporter(std::move(walk), std::move(take), std::move(*poller), std::move(*ending)));
  reporter->thread_ = std::thread([at_work = reporter.get()] { at_work->report(); });
  return reporter;
}

void WalkReporter::report() {
  while (true) {
    const auto events = poller_.wait(INT64_MAX, 0);
    if (std::ranges::any_of(events, [](const epoll_event& event) { return event.data.u64 == kEnding; })) return;
    walk_.drain(take_);
  }
}

void WalkReporter::stop() {
  if (!thread_.joinable()) return;
  walk_.detach();
  ending_.ring();
  thread_.join();
  walk_.drain(take_);
}

}  // namespace conntruth::agent
