#include "controller/app/world_shrinker.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "controller/worlds/placement.hpp"
#include "controller/worlds/shrink.hpp"

namespace conntruth::app {

namespace {

using worlds::Reduction;
using Steps = std::vector<Reduction>;

constexpr unsigned kCopies = 2;
constexpr unsigned kRepeats = 4;
constexpr unsigned kMaxRuns = 40;

class Shrinker {
 public:
  Shrinker(RunRequest request, const Topology& topology, const Failure& failure)
      : request_(std::move(request)), topology_(topology), failure_(failure) {
    result_.world = failure.world.world;
    request_.quiet = true;
    request_.worlds.shape.per_stage = worlds::kSlotsAtOnce;
  }

  [[nodiscard]] Shrunk run() {
    repeat();
    while (result_.error.empty() && !result_.is_flake()) {
      const auto steps = worlds::reductions(result_.world, failure_.flow);
      const auto holding = still_failing(singly(steps));
      if (holding.empty()) break;
      take(steps, holding);
    }
    return std::move(result_);
  }

 private:
  // The whole world once more, in several places: the flow alone, and where that is not it, beside the others that were
  // probed with it. One entry may change what another gets (session affinity).
  void repeat() {
    const std::vector<world::World> copies(kRepeats, result_.world);
    result_.repeats = kRepeats;
    result_.again = static_cast<unsigned>(failing(copies, 1).size());
    if (!result_.is_flake()) return;
    result_.beside_others = true;
    result_.again = std::max(result_.again, static_cast<unsigned>(failing(copies, 1).size()));
  }

  [[nodiscard]] std::vector<world::World> singly(const Steps& steps) const {
    std::vector<world::World> candidates;
    for (const auto& step : steps) candidates.push_back(worlds::reduced(result_.world, {step}));
    return candidates;
  }

  // Several steps that hold one by one need not hold together: all of them, the first half, the first quarter, ...
  void take(const Steps& steps, const std::vector<std::size_t>& holding) {
    std::vector<Steps> chains;
    for (auto count = holding.size(); count > 1; count /= 2) {
      Steps chain;
      for (std::size_t i = 0; i < count; ++i) chain.push_back(steps[holding[i]]);
      chains.push_back(std::move(chain));
    }
    std::vector<world::World> candidates;
    for (const auto& chain : chains) candidates.push_back(worlds::reduced(result_.world, chain));
    const auto together = candidates.empty() ? std::vector<std::size_t>{} : still_failing(candidates);
    const auto chosen = together.empty() ? Steps{steps[holding.front()]} : chains[together.front()];
    result_.world = worlds::reduced(result_.world, chosen);
    for (const auto& step : chosen) result_.taken_out.push_back(step.what);
  }

  // Indices of those that fail in every copy, in order.
  [[nodiscard]] std::vector<std::size_t> still_failing(const std::vector<world::World>& candidates) {
    return failing(candidates, kCopies);
  }

  [[nodiscard]] std::vector<std::size_t> failing(const std::vector<world::World>& candidates, unsigned copies) {
    if (++result_.runs > kMaxRuns) {
      result_.error = fmt::format("gave up after {} runs", kMaxRuns);
      return {};
    }
    request_.worlds.worlds.clear();
    for (std::size_t index = 0; index < candidates.size(); ++index) {
      for (unsigned copy = 0; copy < copies; ++copy) {
        if (!add(candidates[index], fmt::format("s{}x{}", index, copy))) return {};
      }
    }
    const auto report = app::run(request_);
    if (!report) {
      result_.error = report.error().message;
      return {};
    }
    const auto red = red_worlds(*report);
    std::vector<std::size_t> indices;
    for (std::size_t index = 0; index < candidates.size(); ++index) {
      bool every = true;
      for (unsigned copy = 0; copy < copies; ++copy) every = every && red.contains(fmt::format("s{}x{}", index, copy));
      if (every) indices.push_back(index);
    }
    return indices;
  }

  [[nodiscard]] bool add(const world::World& world, const std::string& id) {
    auto placed = worlds::place(world, topology_, id, next_slot_++);
    if (!placed) {
      result_.error = placed.error().message;
      return false;
    }
    auto flow = failure_.flow;
    flow.service = worlds::placed_key(flow.service, id);
    auto only = result_.beside_others ? std::nullopt : std::optional(std::move(flow));
    request_.worlds.worlds.push_back({id, failure_.world.seed, std::move(*placed), std::move(only)});
    return true;
  }

  // By id: those whose flow failed as it did at first.
  [[nodiscard]] std::set<std::string> red_worlds(const report::Report& report) const {
    std::set<std::string> red;
    for (const auto& cell : report.cells) {
      if (cell.verdict.verdict != judge::Verdict::kFail) continue;
      if (cell.verdict.reason().code == failure_.reason.code) red.insert(cell.scenario);
    }
    return red;
  }

  RunRequest request_;
  const Topology& topology_;
  const Failure& failure_;
  Shrunk result_;
  std::uint32_t next_slot_ = 100;
};

}  // namespace

Shrunk shrink(RunRequest request, const Topology& topology, const Failure& failure) {
  return Shrinker(std::move(request), topology, failure).run();
}

}  // namespace conntruth::app
