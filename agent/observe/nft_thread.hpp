#pragma once
// A thread with descriptors of its own, for libnftables alone: it waits by select(), which takes no descriptor beyond
// 1023 (it ends the process), and an agent has thousands. The thread shares everything else with the others. What is
// opened there has to be closed there, and the kernel closes the rest when the thread or the process ends.
// Threading: one caller at a time.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "common/result.hpp"

namespace conntruth::observe {

class NftThread {
 public:
  NftThread();
  ~NftThread();
  NftThread(const NftThread&) = delete;
  NftThread& operator=(const NftThread&) = delete;

  // Does the work there, in that network namespace, and waits for its end. `netns` is a path; "" is where it was last.
  // kUnsupported where the kernel gives no descriptors of its own (before Linux 5.9), kUnavailable where another such
  // thread of the process is at work for longer than 10 s.
  [[nodiscard]] Status run(const std::string& netns, const std::function<Status()>& work);

 private:
  void serve();
  [[nodiscard]] Status carry_out(const std::string& netns, const std::function<Status()>& work) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> job_;  // guarded; empty: none waits
  bool ending_ = false;        // guarded
  int own_table_ = 0;          // errno; the thread's own
  std::thread thread_;
};

}  // namespace conntruth::observe
