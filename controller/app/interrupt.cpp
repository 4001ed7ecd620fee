#include "controller/app/interrupt.hpp"

#include <unistd.h>

namespace conntruth::app {

namespace {

std::atomic<bool> interrupted{false};  // set by the signal handler only: a handler can reach nothing but a global

std::atomic<bool> second_ends{false};

void on_signal(int signal) {
  if (interrupted.exchange(true) && second_ends) _exit(128 + signal);
}

}  // namespace

InterruptGuard::InterruptGuard(Second second) {
  second_ends = second == Second::kEndsProcess;
  interrupted = false;
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, &old_int_);
  sigaction(SIGTERM, &action, &old_term_);
}

InterruptGuard::~InterruptGuard() {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
}

const std::atomic<bool>& InterruptGuard::flag() const { return interrupted; }

}  // namespace conntruth::app
