#pragma once
// Cells of a rollout: the gap that new flows of each vantage see, and how long each node took to follow each change of
// the Service's endpoints, both from the same probes. Internal to the room. Threading: one planner, one thread.

#include <map>
#include <string>
#include <vector>

#include "controller/plan/stage_builder.hpp"
#include "controller/plan/workload_plan.hpp"

namespace conntruth::plan {

inline constexpr std::chrono::milliseconds kRolloutRound{1000};
inline constexpr std::chrono::milliseconds kRolloutInterval{20};

class RolloutBuilder {
 public:
  // `world`: before the rollout, with nodes.
  RolloutBuilder(Workshop& workshop, Stage& stage, const world::World& world, const WorkloadRollout& rollout)
      : workshop_(workshop), stage_(stage), world_(world), rollout_(rollout) {}

  [[nodiscard]] Status build(const std::string& scenario, const std::string& step, const ServiceCopy& copy);

 private:
  // What usable endpoints a flow has, and since when.
  struct Era {
    std::int64_t at_ns = 0;  // 0: before the rollout
    std::vector<SocketAddress> endpoints;
  };
  [[nodiscard]] std::vector<Cell> gap_cells(const std::string& scenario, const std::string& step,
                                            const ServiceCopy& copy);
  void add_rounds(std::vector<Cell>& cells);
  std::uint32_t add_task(const Origin& origin, const SocketAddress& target, Method method);
  [[nodiscard]] Status judge_by_changes(Cell& gap, std::vector<Cell>& follow) const;
  [[nodiscard]] Result<std::vector<Era>> eras(const Flow& flow, Expectation& whole) const;

  Workshop& workshop_;
  Stage& stage_;
  const world::World& world_;
  const WorkloadRollout& rollout_;
  std::vector<Origin> origins_;  // parallel to the gap cells
};

}  // namespace conntruth::plan
