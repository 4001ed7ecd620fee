#pragma once
// A worker that answers every probe of an assignment at once, and remembers what it was told.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/session/worker.hpp"

namespace conntruth::support {

class FakeWorker : public session::Worker {
 public:
  explicit FakeWorker(session::ResultSink& sink) : sink_(sink) {}
  ~FakeWorker() override { end_threads(); }

  // From now on carry_out() fails with this.
  void fail_with(std::string error) { error_ = std::move(error); }

  [[nodiscard]] Status carry_out(const Assignment& assignment) override {
    note([&] { ++carried_out_[assignment.id]; });
    if (!error_.empty()) return fail(ErrorCode::kNotFound, error_);
    threads_.emplace_back([this, assignment] { work(assignment); });
    return {};
  }

  void abandon() override {
    end_threads();
    note([&] { ++abandoned_; });
  }

  [[nodiscard]] std::vector<LossCounter> losses() const override { return {{"late-answer", 2}}; }

  // Waits until the predicate over this worker holds; false after a minute.
  template <typename Predicate>
  [[nodiscard]] bool wait(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return predicate(*this); });
  }
  std::map<std::uint64_t, int> carried_out_;
  int abandoned_ = 0;
  bool was_congested_ = false;

 private:
  template <typename Action>
  void note(Action action) {
    const std::lock_guard lock(mutex_);
    action();
    changed_.notify_all();
  }

  // As the engine does: small portions, and nothing new while congested.
  void work(const Assignment& assignment) {
    for (const auto& task : assignment.tasks) {
      for (std::uint32_t n = 0; n < task.count && !ending_; n += kPortion) {
        if (sink_.congested()) note([&] { was_congested_ = true; });
        while (sink_.congested() && !ending_) std::this_thread::yield();
        std::vector<Sample> samples;
        for (std::uint32_t i = n; i < std::min(task.count, n + kPortion); ++i) {
          Sample sample;
          sample.id = probe_id(task.id, i);
          sample.outcome = Outcome::kTimedOut;
          samples.push_back(std::move(sample));
        }
        sink_.sights({Sight{.id = probe_id(task.id, n), .responder = 1, .source = {}, .received_ns = 5}});
        sink_.samples(assignment.id, std::move(samples));
      }
    }
    if (!ending_) sink_.finished(assignment.id, "");
  }

  void end_threads() {
    ending_ = true;
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    ending_ = false;
  }

  static constexpr std::uint32_t kPortion = 64;
  session::ResultSink& sink_;
  std::string error_;
  std::atomic<bool> ending_ = false;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace conntruth::support
