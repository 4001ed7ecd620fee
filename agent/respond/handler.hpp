#pragma once
// What the responder loop calls: one Handler per socket. Runs in the responder thread only.

#include <memory>
#include <vector>

#include "agent/io/batch.hpp"
#include "agent/io/clock.hpp"
#include "agent/io/fd.hpp"
#include "agent/io/losses.hpp"
#include "common/model/probe.hpp"
#include "common/result.hpp"

namespace conntruth::respond {

class Handler;

// A handler that another one has opened or that is through, and the responder it belongs to.
struct OpenedHandler {
  std::uint32_t responder = 0;
  std::unique_ptr<Handler> handler;
};
struct ClosedHandler {
  std::uint32_t responder = 0;
  const Handler* handler = nullptr;
};

// Shared by all handlers of a loop: buffers, and where sights and losses go.
struct Desk {
  Desk(const io::Clock& the_clock, io::LossCounters& the_losses) : clock(the_clock), losses(the_losses) {}
  const io::Clock& clock;
  io::LossCounters& losses;
  io::ReceiveBatch received;
  io::SendBatch answers;
  std::vector<Sight> sights;
  // For the loop, which sees to them after the events at hand.
  std::vector<OpenedHandler> opened;
  std::vector<ClosedHandler> closed;

  // Sends the queued answers and counts those that did not leave.
  void flush_answers(int fd);
};

class Handler {
 public:
  explicit Handler(io::Fd fd) : fd_(std::move(fd)) {}
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;

  virtual void ready(Desk& desk) = 0;  // the socket is readable
  [[nodiscard]] int fd() const { return fd_.get(); }

 protected:
  // Counts what the kernel dropped since the last call (SO_RXQ_OVFL of one datagram).
  void note_overflow(Desk& desk, std::size_t index);

 private:
  io::Fd fd_;
  std::uint32_t overflow_ = 0;
};

}  // namespace conntruth::respond
