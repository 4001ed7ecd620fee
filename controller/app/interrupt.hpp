#pragma once
// SIGINT and SIGTERM as a flag, while an InterruptGuard lives: what goes on ends in order instead of being killed.
// Threading: made and ended on the main thread; the flag is read from any.

#include <atomic>
#include <csignal>
#include <cstdint>

namespace conntruth::app {

class InterruptGuard {
 public:
  enum class Second : std::uint8_t { kIgnored, kEndsProcess };  // what a second signal does
  explicit InterruptGuard(Second second = Second::kIgnored);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  [[nodiscard]] const std::atomic<bool>& flag() const;

 private:
  struct sigaction old_int_{};
  struct sigaction old_term_{};
};

}  // namespace conntruth::app
