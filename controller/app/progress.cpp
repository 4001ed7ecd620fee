#include "controller/app/progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>

namespace conntruth::app {

TerminalProgress::TerminalProgress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}

TerminalProgress::~TerminalProgress() { TerminalProgress::finish(); }

void TerminalProgress::step(std::string_view name, std::uint64_t total) {
  finish();
  name_ = name;
  total_ = total;
  units_ = 0;
  drawn_ = ~0ULL;
  if (quiet_) return;
  if (terminal_) {
    draw();
  } else {
    fmt::print(stderr, "conntruth: {}\n", name_);
  }
}

void TerminalProgress::done(std::uint64_t units) {
  units_ = units;
  if (!quiet_ && terminal_) draw();
}

void TerminalProgress::note(std::string_view line) {
  if (quiet_) return;
  fmt::print(stderr, "{}conntruth: {}\n", open_ ? "\r\x1b[K" : "", line);
  open_ = false;
  drawn_ = ~0ULL;
}

void TerminalProgress::finish() {
  if (open_) fmt::print(stderr, "\r\x1b[K");
  open_ = false;
}

void TerminalProgress::draw() {
  const auto percent = total_ == 0 ? 0 : std::min<std::uint64_t>(100, units_ * 100 / total_);
  if (percent == drawn_) return;
  drawn_ = percent;
  constexpr std::size_t kWidth = 30;
  const std::string bar(kWidth * percent / 100, '#');
  if (total_ == 0) {
    fmt::print(stderr, "\r\x1b[K{} …", name_);
  } else {
    fmt::print(stderr, "\r\x1b[K{} [{:<{}}] {}%", name_, bar, kWidth, percent);
  }
  std::fflush(stderr);
  open_ = true;
}

}  // namespace conntruth::app
