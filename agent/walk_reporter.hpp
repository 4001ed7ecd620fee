#pragma once
// A packet walk at work: a thread of its own hands its hops over as they come, and the rest when it ends.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/io/poller.hpp"
#include "agent/observe/walk.hpp"

namespace conntruth::agent {

class WalkReporter {
 public:
  using Take = std::function<void(std::vector<Hop>)>;  // on the reporter's thread, and in stop() on its caller's

  [[nodiscard]] static Result<std::unique_ptr<WalkReporter>> start(observe::PacketWalk walk, Take take);
  ~WalkReporter() { stop(); }
  WalkReporter(const WalkReporter&) = delete;
  WalkReporter& operator=(const WalkReporter&) = delete;

  // Detaches; when it returns every hop has been handed over.
  void stop();
  [[nodiscard]] std::uint64_t lost() const { return walk_.lost(); }
  [[nodiscard]] const std::vector<std::string>& unavailable() const { return walk_.unavailable(); }

 private:
  WalkReporter(observe::PacketWalk walk, Take take, io::Poller poller, io::Wakeup ending)
      : walk_(std::move(walk)), take_(std::move(take)), poller_(std::move(poller)), ending_(std::move(ending)) {}
  void report();

  observe::PacketWalk walk_;
  const Take take_;
  io::Poller poller_;
  io::Wakeup ending_;
  std::thread thread_;
};

}  // namespace conntruth::agent
