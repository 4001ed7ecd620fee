#pragma once
// A thread of its own that takes in what the kernel tells on some sockets, as these have room for a moment's only.

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "agent/io/poller.hpp"
#include "common/result.hpp"

namespace conntruth::agent {

class DrainThread {
 public:
  // `drain` runs on that thread whenever one of `fds` can be read; both must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<DrainThread>> start(const std::vector<int>& fds,
                                                                  std::function<void()> drain);
  ~DrainThread() { end(); }
  DrainThread(const DrainThread&) = delete;
  DrainThread& operator=(const DrainThread&) = delete;

  // When it returns `drain` is not called any more.
  void end();

 private:
  DrainThread(std::function<void()> drain, io::Poller poller, io::Wakeup ending)
      : drain_(std::move(drain)), poller_(std::move(poller)), ending_(std::move(ending)) {}
  void take_in();

  const std::function<void()> drain_;
  io::Poller poller_;
  io::Wakeup ending_;
  std::thread thread_;
};

}  // namespace conntruth::agent
