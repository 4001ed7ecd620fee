#pragma once
// Carries out scenarios of real Deployments: asks for each step's change, sees to the pods that come (an agent has to
// answer in a pod before it may count as ready), waits until pods and EndpointSlices are as the step has them, reads
// the world back, plans its stage and has it probed. During a rollout new flows are opened at a fixed pace all the
// while.
//
// What each stage was planned from goes into the run's store before it is probed (a rollout's: when it is over).
// Waiting ends with the next event of the API or of an agent, at once where a pod can never come, and after kPodsWithin
// with what was waited for. Errors: kUnavailable with the pods' own reasons. Threading: the run's thread only.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/app/run_inputs.hpp"
#include "controller/app/runner.hpp"
#include "controller/catalogue/workload_scenarios.hpp"
#include "controller/provider/workloads.hpp"

namespace conntruth::app {

class WorkloadRun {
 public:
  WorkloadRun(Workloads& workloads, Runner& runner, fleet::Fleet& fleet, store::RunWriter& writer, Progress& progress,
              const std::atomic<bool>& interrupted, RunInputs& inputs)
      : workloads_(workloads),
        runner_(runner),
        fleet_(fleet),
        writer_(writer),
        progress_(progress),
        interrupted_(interrupted),
        inputs_(inputs) {}

  [[nodiscard]] Status carry_out(std::uint64_t first_generation);

 private:
  using Steady = std::chrono::steady_clock;
  struct Part {
    std::size_t scenario = 0;  // index into scenarios_
    std::size_t step = 0;
  };
  using Parts = std::vector<Part>;  // of one stage
  // What is wanted of a scenario's Deployment.
  struct Wanted {
    std::uint32_t replicas = 0;
    std::uint32_t leaving = 0;  // pods that go on serving while they end, at least
    std::uint16_t port = 0;
    std::set<std::string> withheld;  // pods
  };
  // A pod that has come.
  struct Known {
    plan::WorkloadPlace place;
    std::uint64_t assignment = 0;  // of its responders
    bool told_ready = false;
  };

  [[nodiscard]] Status choose();
  [[nodiscard]] std::vector<Parts> stages() const;
  [[nodiscard]] Status run_stage(const Parts& parts, std::uint64_t generation);
  [[nodiscard]] Status run_rollout(const Part& part);
  [[nodiscard]] Status keep_pace(const Part& part, const plan::WorkloadStage& facts, std::uint32_t& rounds);
  [[nodiscard]] Status begin_rollout(const Part& part);

  [[nodiscard]] Status change(const Part& part);
  [[nodiscard]] Status await(const Parts& parts);
  [[nodiscard]] Status tend(const WorkloadSight& sight);
  [[nodiscard]] Status welcome(const WorkloadPod& pod);
  [[nodiscard]] Status trouble(const Part& part, const WorkloadSight& sight, bool late) const;
  // What is still missing, or "".
  [[nodiscard]] std::string missing(const Part& part, const WorkloadSight& sight) const;
  [[nodiscard]] std::string missing_slices(const Part& part, const WorkloadSight& sight, std::uint32_t ending) const;

  [[nodiscard]] Result<plan::WorkloadStage> read_stage(const Parts& parts);
  [[nodiscard]] std::vector<plan::WorkloadPlace> places(const WorkloadSight& sight) const;
  [[nodiscard]] Status note_changes(const plan::WorkloadStage& facts, std::size_t first);
  [[nodiscard]] const catalogue::WorkloadStep& step_of(const Part& part) const {
    return scenarios_[part.scenario].steps[part.step];
  }
  [[nodiscard]] std::string label(const Part& part) const;
  void tell(const std::string& line);  // once

  Workloads& workloads_;
  Runner& runner_;
  fleet::Fleet& fleet_;
  store::RunWriter& writer_;
  Progress& progress_;
  const std::atomic<bool>& interrupted_;
  RunInputs& inputs_;

  std::vector<catalogue::WorkloadScenario> scenarios_;  // selected ones
  std::vector<Wanted> wanted_;                          // parallel to them
  std::map<std::string, Known> known_;                  // by pod
  Runner::Outstanding outstanding_;
  std::string told_;
  std::uint32_t next_responder_ = plan::kFirstWorkloadResponder;
};

}  // namespace conntruth::app
