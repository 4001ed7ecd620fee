#include "controller/http/event_log.hpp"

#include <algorithm>
#include <utility>

namespace conntruth::http {

void EventLog::append(std::string type, std::string data) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    events_.push_back({++last_, std::move(type), std::move(data)});
  }
  changed_.notify_all();
}

void EventLog::replace_last(std::string type, std::string data) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (!events_.empty() && events_.back().type == type) events_.pop_back();
    events_.push_back({++last_, std::move(type), std::move(data)});
  }
  changed_.notify_all();
}

void EventLog::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

EventLog::Page EventLog::above(std::uint64_t after, std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, deadline, [&] { return closed_ || last_ > after; });
  const auto first = std::ranges::upper_bound(events_, after, {}, &Event::number);
  return {{first, events_.end()}, closed_};
}

}  // namespace conntruth::http
