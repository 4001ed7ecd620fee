#include "agent/rule_reporter.hpp"

#include <algorithm>

namespace conntruth::agent {

namespace {

constexpr std::uint64_t kEvents = 1;
constexpr std::uint64_t kEnding = 2;

}  // namespace

Result<std::unique_ptr<RuleReporter>> RuleReporter::start(observe::RuleTrace trace) {
  auto poller = io::Poller::open();
  if (!poller) return std::unexpected(poller.error());
  auto ending = io::Wakeup::open();
  if (!ending) return std::unexpected(ending.error());
  for (const auto fd : trace.fds()) {
    if (auto added = poller->add(fd, EPOLLIN, kEvents); !added) return std::unexpected(added.error());
  }
  if (auto added = poller->add(ending->fd(), EPOLLIN, kEnding); !added) return std::unexpected(added.error());
  std::unique_ptr<RuleReporter> reporter(new RuleReporter(std::move(trace), std::move(*poller), std::move(*ending)));
  reporter->thread_ = std::thread([at_work = reporter.get()] { at_work->take_in(); });
  return reporter;
}

void RuleReporter::take_in() {
  while (true) {
    const auto events = poller_.wait(INT64_MAX, 0);
    if (std::ranges::any_of(events, [](const epoll_event& event) { return event.data.u64 == kEnding; })) return;
    trace_.drain();
  }
}

void RuleReporter::end() {
  if (!thread_.joinable()) return;
  ending_.ring();
  thread_.join();
}

std::vector<RuleStep> RuleReporter::stop() {
  end();
  trace_.detach();
  return trace_.steps();
}

}  // namespace conntruth::agent
