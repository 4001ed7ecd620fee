#include "agent/observe/nft_thread.hpp"

#include <linux/close_range.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "agent/io/netns.hpp"

namespace conntruth::observe {

namespace {

constexpr std::chrono::seconds kMostWait(10);  // well within a session's lease
constexpr unsigned kFirst = 3;                 // behind input, output and errors

}  // namespace

NftThread::NftThread() : thread_([this] { serve(); }) {}

NftThread::~NftThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void NftThread::serve() {
  if (close_range(kFirst, ~0U, CLOSE_RANGE_UNSHARE) != 0) own_table_ = errno;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || job_; });
    if (!job_) return;
    job_();
    job_ = nullptr;
    changed_.notify_all();
  }
}

Status NftThread::carry_out(const std::string& netns, const std::function<Status()>& work) const {
  if (own_table_ != 0) return fail_errno("give libnftables descriptors of its own", own_table_);
  // libnftables keeps names of devices for the whole process.
  static std::timed_mutex at_work;
  const std::unique_lock lock(at_work, kMostWait);
  if (!lock) return fail(ErrorCode::kUnavailable, "nftables is still at work on a long list of rules");
  if (auto entered = io::enter_network_namespace(netns); !entered) return entered;
  return work();
}

Status NftThread::run(const std::string& netns, const std::function<Status()>& work) {
  Status result;
  std::unique_lock lock(mutex_);
  job_ = [&] { result = carry_out(netns, work); };
  changed_.notify_all();
  changed_.wait(lock, [this] { return !job_; });
  return result;
}

}  // namespace conntruth::observe
