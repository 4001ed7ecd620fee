#include "agent/respond/handler.hpp"

namespace conntruth::respond {

void Desk::flush_answers(int fd) {
  const auto count = answers.size();
  if (count == 0) return;
  answers.flush(fd);
  for (std::size_t i = 0; i < count; ++i) {
    if (answers.result(i) != 0) losses.add(io::Loss::kAnswerNotSent);
  }
}

void Handler::note_overflow(Desk& desk, std::size_t index) {
  const auto total = desk.received.overflow(index);
  if (!total || *total == overflow_) return;
  desk.losses.add(io::Loss::kSocketOverflow, *total - overflow_);
  overflow_ = *total;
}

}  // namespace conntruth::respond
