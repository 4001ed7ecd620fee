#include "controller/plan/schedule.hpp"

#include <algorithm>
#include <numeric>

namespace conntruth::plan {
namespace {

// What two cores carry in a lab of three nodes. A wrong number costs time, nothing else.
constexpr std::uint64_t kProbesPerMillisecond = 50;

// In probes: what is sent, or could be meanwhile.
std::uint64_t cost_of(const StepLoad& load) {
  return std::max(load.probes, static_cast<std::uint64_t>(load.span.count()) * kProbesPerMillisecond);
}

StepLoad sum(const StepLoad& one, const StepLoad& other) {
  return {one.probes + other.probes, std::max(one.span, other.span)};
}

class Schedule {
 public:
  explicit Schedule(std::size_t stages) : stages_(stages) {}

  // Where the whole run grows least; among equals where least is going on, then the first.
  [[nodiscard]] std::size_t place(const std::vector<StepLoad>& steps) {
    std::size_t best = 0;
    auto least = price(steps, 0);
    for (std::size_t first = 1; first + steps.size() <= stages_.size(); ++first) {
      const auto each = price(steps, first);
      if (each < least) {
        least = each;
        best = first;
      }
    }
    for (std::size_t step = 0; step < steps.size(); ++step)
      stages_[best + step] = sum(stages_[best + step], steps[step]);
    return best;
  }

 private:
  using Price = std::pair<std::uint64_t, std::uint64_t>;  // what it costs more, probes that are there already

  [[nodiscard]] Price price(const std::vector<StepLoad>& steps, std::size_t first) const {
    Price result;
    for (std::size_t step = 0; step < steps.size(); ++step) {
      const auto& stage = stages_[first + step];
      result.first += cost_of(sum(stage, steps[step])) - cost_of(stage);
      result.second += stage.probes;
    }
    return result;
  }

  std::vector<StepLoad> stages_;
};

}  // namespace

std::vector<std::size_t> first_stages(const std::vector<std::vector<StepLoad>>& scenarios) {
  std::size_t stages = 0;
  for (const auto& steps : scenarios) stages = std::max(stages, steps.size());
  const auto total = [](const std::vector<StepLoad>& steps) {
    return std::transform_reduce(steps.begin(), steps.end(), std::uint64_t{0}, std::plus{}, cost_of);
  };
  // Those that have no choice come first, then the heavy ones, so that small ones fill what is left.
  std::vector<std::size_t> order(scenarios.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t one, std::size_t other) {
    const auto& left = scenarios[one];
    const auto& right = scenarios[other];
    return left.size() != right.size() ? left.size() > right.size() : total(left) > total(right);
  });
  Schedule schedule(stages);
  std::vector<std::size_t> result(scenarios.size());
  for (const auto index : order) result[index] = schedule.place(scenarios[index]);
  return result;
}

}  // namespace conntruth::plan
