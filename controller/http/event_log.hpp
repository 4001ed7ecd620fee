#pragma once
// What happened in a run, in order, numbered from 1. One writes, many read, each from the number it likes; what was
// written stays until the log goes. After close() nothing is added. Threading: all functions from any thread.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace conntruth::http {

struct Event {
  std::uint64_t number = 0;
  std::string type;  // [a-z]+
  std::string data;  // one line
  bool operator==(const Event&) const = default;
};

class EventLog {
 public:
  // `last`: the number before that of the first event.
  explicit EventLog(std::uint64_t last = 0) : last_(last) {}
  void append(std::string type, std::string data);
  // In place of the newest event where that has the same type, else after it: progress of which only the newest counts.
  void replace_last(std::string type, std::string data);
  void close();

  // Events numbered above `after`; waits for one until the deadline. Empty and closed: there will be none.
  struct Page {
    std::vector<Event> events;
    bool closed = false;
  };
  [[nodiscard]] Page above(std::uint64_t after, std::chrono::steady_clock::time_point deadline) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Event> events_;  // ascending numbers, with gaps where one took another's place
  std::uint64_t last_;
  bool closed_ = false;
};

}  // namespace conntruth::http
