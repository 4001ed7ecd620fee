#pragma once
// Whose turn it is: items that are ready take turns, items with a pace wait until they are due and then share the turns
// half and half with the others, so that a paced task keeps its pace among hundreds of unpaced ones. Pure.

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

  // Sees what has become due; says how many are ready.
  std::size_t ready(std::int64_t now_ns) {
    while (!waiting_.empty() && waiting_.front().due_ns <= now_ns) {
      std::ranges::pop_heap(waiting_, later);
      due_.push_back(waiting_.back().item);
      waiting_.pop_back();
    }
    return ready_.size() + due_.size();
  }

  // The one that has waited longest of its kind; only after ready() gave more than 0.
  [[nodiscard]] Item take() {
    paced_turn_ = !paced_turn_;
    auto& queue = ready_.empty() || (paced_turn_ && !due_.empty()) ? due_ : ready_;
    const auto item = queue.front();
    queue.pop_front();
    return item;
  }

  void remove(Item item) {
    std::erase(ready_, item);
    std::erase(due_, item);
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
  std::deque<Item> ready_;        // without a pace
  std::deque<Item> due_;          // with a pace
  std::vector<Waiting> waiting_;  // a heap
  bool paced_turn_ = false;
};

}  // namespace conntruth::probe
