#pragma once
// Whose turn it is: items that are ready take turns, items with a pace wait until they are due. Pure.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <queue>
#include <vector>

namespace conntruth::probe {

template <typename Item>  // a pointer or index
class TurnQueue {
 public:
  void add(Item item, std::int64_t due_ns, std::int64_t now_ns) {
    if (due_ns <= now_ns) {
      ready_.push_back(item);
    } else {
      waiting_.push_back({due_ns, item});
      std::ranges::push_heap(waiting_, later);
    }
  }

  // Moves what has become due behind the ready ones; says how many are ready.
  std::size_t ready(std::int64_t now_ns) {
    while (!waiting_.empty() && waiting_.front().due_ns <= now_ns) {
      std::ranges::pop_heap(waiting_, later);
      ready_.push_back(waiting_.back().item);
      waiting_.pop_back();
    }
    return ready_.size();
  }

  // The one that has waited longest; only after ready() gave more than 0.
  [[nodiscard]] Item take() {
    const auto item = ready_.front();
    ready_.pop_front();
    return item;
  }

  void remove(Item item) {
    std::erase(ready_, item);
    if (std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.item == item; }) > 0) {
      std::ranges::make_heap(waiting_, later);
    }
  }

  [[nodiscard]] std::int64_t next_due_ns() const { return waiting_.empty() ? INT64_MAX : waiting_.front().due_ns; }

 private:
  struct Waiting {
    std::int64_t due_ns;
    Item item;
  };
  static bool later(const Waiting& a, const Waiting& b) { return a.due_ns > b.due_ns; }
  std::deque<Item> ready_;
  std::vector<Waiting> waiting_;  // a heap
};

}  // namespace conntruth::probe
