#pragma once
// Carries out a plan: gathers the agents, hands out responders, then stage by stage publishes the world and has the
// flows probed, storing every batch before it is acknowledged. It judges nothing.
//
// An agent that is lost in the middle does not end the run: its cells will have missing samples, later stages leave out
// what depends on it, and the run is marked partial with its name. Interrupting (`interrupted` becomes true) ends the
// run as partial. Threading: the run's thread only.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/app/hearing.hpp"
#include "controller/app/progress.hpp"
#include "controller/app/trail.hpp"
#include "controller/fleet/fleet.hpp"
#include "controller/plan/plan.hpp"
#include "controller/provider/environment.hpp"
#include "controller/store/run_store.hpp"

namespace conntruth::app {

class Runner {
 public:
  Runner(Environment& environment, fleet::Fleet& fleet, store::RunWriter& writer, Progress& progress,
         const std::atomic<bool>& interrupted)
      : environment_(environment), fleet_(fleet), writer_(writer), progress_(progress), interrupted_(interrupted) {}

  // Waits for one agent per node and external client of the topology; those that did not come. kUnavailable where one
  // went again, or where it was interrupted.
  [[nodiscard]] Result<std::set<std::string>> gather_agents(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] const std::map<std::string, Hello>& agents() const { return hellos_; }

  // `first_generation` becomes the generation of the first stage's world; later stages count on from it.
  [[nodiscard]] Status carry_out(const plan::Plan& plan, std::uint64_t first_generation);

  // Why the run is partial; empty where it is complete.
  [[nodiscard]] std::string partial_reason() const;

  // ---- For a plan that grows with the run (workload_run.hpp) ----

  using Deadline = std::chrono::steady_clock::time_point;
  using Outstanding = std::map<std::uint64_t, std::string>;  // assignment → agent

  // A pod that came during the run: agents that are told of it by name are told where to find it.
  void know_place(const PodPlace& place) { places_.insert_or_assign(place.name, place); }
  // As carry_out() does it, for one stage; responders that were handed out already are left as they are.
  [[nodiscard]] Status carry_out_stage(const plan::Plan& plan, std::size_t index, std::uint64_t generation);
  // What comes in from here on belongs to that stage.
  void begin_stage(std::size_t index) { stage_number_ = static_cast<std::uint32_t>(index); }
  [[nodiscard]] Status hand_out_responders(const plan::Plan& plan);
  // The assignment's number; that of an agent which is lost is never outstanding.
  [[nodiscard]] Result<std::uint64_t> hand_out(const std::string& agent, const std::vector<ResponderSpec>& responders,
                                               Outstanding& outstanding);
  // One assignment for each agent that has tasks. Where there are more than `at_a_time` the others are handed out as
  // these end; all get their paced tasks now, which take time and not much else.
  [[nodiscard]] Result<Outstanding> assign(const std::vector<plan::PlannedTask>& tasks,
                                           std::size_t at_a_time = SIZE_MAX);
  // Handles one event; none by the deadline, or until the fleet is woken, is no error.
  [[nodiscard]] Status poll(Outstanding& outstanding, Deadline deadline);
  [[nodiscard]] bool has_failed(std::uint64_t assignment) const { return failed_.contains(assignment); }
  [[nodiscard]] const std::set<std::string>& lost() const { return lost_; }  // agents
  [[nodiscard]] bool has_lost(const std::string& agent) const { return lost_.contains(agent); }
  // Waits for all of them, also for those of which only silence is left.
  [[nodiscard]] Status settle(Outstanding outstanding);
  [[nodiscard]] Status mark(std::string_view name, const std::string& json);
  [[nodiscard]] Status mark_probed();

  // ---- For asking why (hearing.hpp) ----

  // That some evidence cannot be had: told once, and kept with the run.
  void note_evidence(std::string line);
  void announce(const std::string& step, const std::vector<plan::PlannedTask>& tasks);
  [[nodiscard]] Status assign_to(const std::string& agent, Assignment assignment, Outstanding& outstanding);

  void is_partial(std::string reason) { partial_reasons_.push_back(std::move(reason)); }

 private:
  [[nodiscard]] Status run_stage(const plan::Plan& plan, const plan::Stage& stage, std::uint64_t generation);
  // Without those that depend on a lost agent.
  [[nodiscard]] std::vector<plan::PlannedTask> worthwhile_tasks(const plan::Plan& plan, const plan::Stage& stage) const;
  [[nodiscard]] Status follow_change(const plan::Stage& stage, std::uint64_t generation);
  [[nodiscard]] Status publish(const plan::Stage& stage, std::uint64_t generation);
  void record_programmed(const std::vector<Programmed>& reports);
  [[nodiscard]] Status pause(std::chrono::milliseconds duration);
  [[nodiscard]] Status hand_out_next(Outstanding& outstanding);
  // With the places that its words name; kNotFound: the agent was lost.
  [[nodiscard]] Status send(const std::string& agent, Assignment assignment);
  // Handles events until nothing of `outstanding` is left or the deadline passes. Assignments of which only silence is
  // left are not waited for: the last call does.
  [[nodiscard]] Status settle(Outstanding outstanding, Deadline deadline);
  [[nodiscard]] Status handle(const fleet::Event& event, Outstanding& outstanding);
  [[nodiscard]] Status take_batch(const fleet::Batch& batch, Outstanding& outstanding);
  // Asks those nodes' agents that know more of the flows that were just reported.
  [[nodiscard]] Status ask_further(const ResultBatch& batch, Outstanding& outstanding);
  void lose_agent(const fleet::AgentLost& lost, Outstanding& outstanding);

  Environment& environment_;
  fleet::Fleet& fleet_;
  store::RunWriter& writer_;
  Progress& progress_;
  const std::atomic<bool>& interrupted_;

  std::map<std::string, Hello> hellos_;
  std::set<std::string> lost_;  // agents
  std::map<NamespaceName, PodPlace> places_;
  std::set<std::uint32_t> handed_out_;                      // responders
  std::set<std::uint64_t> failed_;                          // assignments
  std::deque<std::pair<std::string, Assignment>> waiting_;  // not handed out yet, by agent; outstanding all the same
  std::uint64_t first_in_turn_ = 0;                         // assignments from this one on take turns
  std::size_t at_a_time_ = SIZE_MAX;
  Outstanding quiet_;  // not over, yet the next stage need not wait
  std::optional<Trail> trail_;
  std::optional<Hearing> hearing_;
  std::set<std::uint64_t> walk_orders_;  // assignments: what they cannot do leaves the run whole
  std::set<std::string> evidence_notes_;
  std::vector<std::string> partial_reasons_;
  std::uint64_t next_assignment_ = 1;
  std::uint32_t stage_number_ = 0;
  std::uint64_t samples_ = 0;
};

}  // namespace conntruth::app
