#include "agent/stop_signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace conntruth::agent {

namespace {

void wait_for_either(const io::Fd& signals, int wake, const std::function<void()>& on_signal) {
  std::array<pollfd, 2> watched = {pollfd{signals.get(), POLLIN, 0}, pollfd{wake, POLLIN, 0}};
  while (poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) {
  }
  if (watched[0].revents != 0) on_signal();
}

}  // namespace

Result<StopSignals> StopSignals::watch(std::function<void()> on_signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  io::Fd signals(signalfd(-1, &set, SFD_CLOEXEC));
  io::Fd wake(eventfd(0, EFD_CLOEXEC));
  if (!signals || !wake) return fail_errno("watch for signals", errno);
  std::thread thread([signals = std::move(signals), wake = wake.get(), on_signal = std::move(on_signal)] {
    wait_for_either(signals, wake, on_signal);
  });
  return StopSignals(std::move(wake), std::move(thread));
}

StopSignals::~StopSignals() {
  if (!thread_.joinable()) return;
  eventfd_write(wake_.get(), 1);
  thread_.join();
}

}  // namespace conntruth::agent
