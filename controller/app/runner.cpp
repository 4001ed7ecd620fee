#include "controller/app/runner.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <type_traits>

#include "controller/plan/dependence.hpp"

namespace conntruth::app {

namespace {

using std::chrono::steady_clock;

// How long the loop waits at most before it looks at the interrupt flag again.
constexpr std::chrono::milliseconds kTick{200};
// An agent whose tasks are not through by then is stuck; its heartbeat alone does not help the run.
constexpr std::chrono::minutes kStageLimit{10};
// Twice the time after which agents hand over what they have.
constexpr std::chrono::milliseconds kSightsGrace{100};

std::uint64_t probes_of(const std::vector<plan::PlannedTask>& tasks) {
  std::uint64_t total = 0;
  for (const auto& planned : tasks) total += planned.task.count;
  return total;
}

// Each agent has an order of its own: in the plan's, all clients would ask the same endpoint at the same time, whose
// queue would then hold everybody's answers.
void mix(std::vector<ProbeTask>& tasks, const std::string& agent) {
  std::minstd_rand random(static_cast<std::uint32_t>(std::hash<std::string>()(agent)));
  std::ranges::shuffle(tasks, random);
}

using ByAgent = std::map<std::string, Assignment>;

// Who gets what at once, and who has to wait for a turn.
std::pair<ByAgent, ByAgent> distribute(const std::vector<plan::PlannedTask>& tasks, std::size_t at_a_time) {
  std::set<std::string> agents;
  for (const auto& planned : tasks) agents.insert(planned.agent);
  const bool turns = agents.size() > at_a_time;
  std::pair<ByAgent, ByAgent> result;
  auto& [now, in_turn] = result;
  for (const auto& planned : tasks) {
    auto& part = turns && planned.task.interval.count() == 0 ? in_turn : now;
    part[planned.agent].tasks.push_back(planned.task);
  }
  for (auto* part : {&now, &in_turn}) {
    for (auto& [agent, assignment] : *part) mix(assignment.tasks, agent);
  }
  return result;
}

// What the tasks' own paces ask for.
std::chrono::microseconds paced_time(const std::vector<plan::PlannedTask>& tasks) {
  std::chrono::microseconds longest{0};
  for (const auto& planned : tasks) longest = std::max(longest, planned.task.interval * planned.task.count);
  return longest;
}

std::set<std::string> expected_agents(const Topology& topology) {
  std::set<std::string> names;
  for (const auto& node : topology.nodes) names.insert(node.name);
  for (const auto& client : topology.external_clients) names.insert(client.name);
  return names;
}

}  // namespace

Result<std::set<std::string>> Runner::gather_agents(steady_clock::time_point deadline) {
  auto missing = expected_agents(environment_.topology());
  progress_.step("waiting for agents", missing.size());
  const auto all = missing.size();
  while (!missing.empty() && steady_clock::now() < deadline && !interrupted_) {
    const auto event = fleet_.next(std::min(deadline, steady_clock::now() + kTick));
    if (!event) continue;
    if (const auto* joined = std::get_if<fleet::AgentJoined>(&*event)) {
      hellos_[joined->hello.node] = joined->hello;
      missing.erase(joined->hello.node);
      progress_.done(all - missing.size());
    } else if (const auto* lost = std::get_if<fleet::AgentLost>(&*event)) {
      return fail(ErrorCode::kUnavailable, "agent of " + lost->agent + " is gone before the run began: " + lost->why);
    }
  }
  if (interrupted_) return fail(ErrorCode::kUnavailable, "interrupted");
  return missing;
}

Status Runner::send(const std::string& agent, Assignment assignment) {
  std::set<NamespaceName> named;
  for (const auto& spec : assignment.responders) named.insert(spec.place);
  for (const auto& task : assignment.tasks) named.insert(task.place);
  for (const auto& name : named) {
    if (const auto place = places_.find(name); place != places_.end()) assignment.places.push_back(place->second);
  }
  return fleet_.assign(agent, assignment);
}

Status Runner::assign_to(const std::string& agent, Assignment assignment, Outstanding& outstanding) {
  assignment.id = next_assignment_++;
  const auto id = assignment.id;
  if (assignment.walk != WalkOrder::kUnchanged) walk_orders_.insert(id);
  auto status = send(agent, std::move(assignment));
  if (status) {
    outstanding.emplace(id, agent);
    return {};
  }
  // A lost agent was noted when it was lost; its cells will miss their samples.
  return status.error().code == ErrorCode::kNotFound ? Status() : status;
}

Result<Runner::Outstanding> Runner::assign(const std::vector<plan::PlannedTask>& tasks, std::size_t at_a_time) {
  const auto [now, in_turn] = distribute(tasks, at_a_time);
  Outstanding outstanding;
  for (const auto& [agent, assignment] : now) {
    if (auto status = assign_to(agent, assignment, outstanding); !status) return std::unexpected(status.error());
  }
  first_in_turn_ = next_assignment_;
  at_a_time_ = at_a_time;
  for (const auto& [agent, assignment] : in_turn) {
    waiting_.emplace_back(agent, assignment).second.id = next_assignment_;
    outstanding.emplace(next_assignment_++, agent);
  }
  if (auto status = hand_out_next(outstanding); !status) return std::unexpected(status.error());
  return outstanding;
}

Status Runner::hand_out_next(Outstanding& outstanding) {
  const auto in_turn = [&] {
    const auto all = std::distance(outstanding.lower_bound(first_in_turn_), outstanding.end());
    return static_cast<std::size_t>(all) - waiting_.size();
  };
  while (!waiting_.empty() && in_turn() < at_a_time_) {
    auto [agent, assignment] = std::move(waiting_.front());
    waiting_.pop_front();
    const auto id = assignment.id;
    auto status = send(agent, std::move(assignment));
    if (status) continue;
    outstanding.erase(id);
    // A lost agent was noted when it was lost; its cells will miss their samples.
    if (status.error().code != ErrorCode::kNotFound) return status;
  }
  return {};
}

Status Runner::hand_out_responders(const plan::Plan& plan) {
  std::map<std::string, Assignment> by_agent;
  for (const auto& planned : plan.responders) {
    if (planned.foreign) continue;
    if (handed_out_.insert(planned.spec.id).second) by_agent[planned.agent].responders.push_back(planned.spec);
  }
  Outstanding outstanding;
  for (auto& [agent, assignment] : by_agent) {
    if (auto status = assign_to(agent, std::move(assignment), outstanding); !status) return status;
  }
  progress_.step("starting responders", 0);
  return settle(std::move(outstanding), steady_clock::now() + kStageLimit);
}

Status Runner::carry_out(const plan::Plan& plan, std::uint64_t first_generation) {
  if (auto status = hand_out_responders(plan); !status) return status;
  trail_.emplace(plan);
  hearing_.emplace(*this, plan);
  for (std::size_t index = 0; index < plan.stages.size() && !interrupted_; ++index) {
    stage_number_ = static_cast<std::uint32_t>(index);
    progress_.step(fmt::format("stage {} of {}", index + 1, plan.stages.size()), probes_of(plan.stages[index].tasks));
    samples_ = 0;
    if (auto status = run_stage(plan, plan.stages[index], first_generation + index); !status) return status;
  }
  // What has only silence to wait for, by now in the order of its deadlines.
  if (auto status = settle({}); !status) return status;
  // Responders report what they saw a little after the probing agent is done.
  if (auto status = pause(kSightsGrace); !status) return status;
  if (interrupted_) partial_reasons_.emplace_back("interrupted");
  progress_.finish();
  return {};
}

Status Runner::carry_out_stage(const plan::Plan& plan, std::size_t index, std::uint64_t generation) {
  begin_stage(index);
  if (auto status = hand_out_responders(plan); !status) return status;
  progress_.step(fmt::format("stage {}", index + 1), probes_of(plan.stages[index].tasks));
  samples_ = 0;
  if (auto status = run_stage(plan, plan.stages[index], generation); !status) return status;
  return settle({});  // pods go between such stages
}

Result<std::uint64_t> Runner::hand_out(const std::string& agent, const std::vector<ResponderSpec>& responders,
                                       Outstanding& outstanding) {
  Assignment assignment;
  assignment.responders = responders;
  for (const auto& spec : responders) handed_out_.insert(spec.id);
  if (auto status = assign_to(agent, std::move(assignment), outstanding); !status)
    return std::unexpected(status.error());
  return next_assignment_ - 1;
}

Status Runner::poll(Outstanding& outstanding, Deadline deadline) {
  const auto event = fleet_.next(std::min(deadline, steady_clock::now() + kTick));
  return event ? handle(*event, outstanding) : Status();
}

Status Runner::settle(Outstanding outstanding) {
  const auto deadline = steady_clock::now() + kStageLimit;
  if (auto status = settle(std::move(outstanding), deadline); !status) return status;
  return settle(std::exchange(quiet_, {}), deadline);
}

Status Runner::mark(std::string_view name, const std::string& json) {
  return writer_.append_marker(name, stage_number_, json);
}

Status Runner::mark_probed() { return mark("probed", nlohmann::json{{"without", lost_}}.dump()); }

Status Runner::run_stage(const plan::Plan& plan, const plan::Stage& stage, std::uint64_t generation) {
  if (hearing_) hearing_->begin(stage);
  if (stage.publishes) {
    if (auto status = follow_change(stage, generation); !status) return status;
  }
  if (auto status = pause(stage.pause); !status) return status;
  auto outstanding = assign(worthwhile_tasks(plan, stage), environment_.at_a_time());
  if (!outstanding) return std::unexpected(outstanding.error());
  if (auto status = mark_probed(); !status) return status;
  const auto deadline = steady_clock::now() + kStageLimit + paced_time(stage.tasks);
  if (auto status = settle(std::move(*outstanding), deadline); !status) return status;
  return hearing_ && !interrupted_ ? hearing_->hold(stage) : Status();
}

void Runner::note_evidence(std::string line) {
  if (!evidence_notes_.insert(line).second) return;
  progress_.note("without causes: " + line);
  // A run without it is as good, but for the causes.
  if (auto status = mark(kEvidenceNoteMarker, nlohmann::json(line).dump()); !status) is_partial(status.error().message);
}

void Runner::announce(const std::string& step, const std::vector<plan::PlannedTask>& tasks) {
  progress_.step(step, probes_of(tasks));
  samples_ = 0;
}

std::vector<plan::PlannedTask> Runner::worthwhile_tasks(const plan::Plan& plan, const plan::Stage& stage) const {
  const auto dependence = plan::dependence_on(lost_, plan, stage);
  std::set<std::uint32_t> futile;
  const auto leave_out = [&futile](const std::vector<bool>& depends, const auto& all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (depends[i]) futile.insert(all[i].tasks.begin(), all[i].tasks.end());
    }
  };
  leave_out(dependence.cells, stage.cells);
  leave_out(dependence.controls, stage.controls);
  auto tasks = stage.tasks;
  std::erase_if(tasks, [&futile](const plan::PlannedTask& planned) { return futile.contains(planned.task.id); });
  return tasks;
}

Status Runner::follow_change(const plan::Stage& stage, std::uint64_t generation) {
  auto outstanding = assign(stage.follow_tasks, SIZE_MAX);
  if (!outstanding) return std::unexpected(outstanding.error());
  if (auto status = publish(stage, generation); !status) return status;
  if (auto status = settle(std::move(*outstanding), steady_clock::now() + kStageLimit); !status) return status;
  std::chrono::milliseconds bound{2000};
  for (const auto& cell : stage.cells) bound = std::max(bound, cell.follow_bound);
  record_programmed(environment_.wait_programmed(generation, steady_clock::now() + bound));
  return {};
}

Status Runner::publish(const plan::Stage& stage, std::uint64_t generation) {
  auto world = stage.world;
  world.generation = generation;
  const auto at_ns = environment_.publish(world);
  if (!at_ns) return std::unexpected(at_ns.error());
  if (hearing_) hearing_->published(*at_ns);
  const nlohmann::json marker = {{"generation", generation}, {"at_ns", *at_ns}};
  return writer_.append_marker("published", stage_number_, marker.dump());
}

void Runner::record_programmed(const std::vector<Programmed>& reports) {
  nlohmann::json marker = nlohmann::json::array();
  for (const auto& report : reports) {
    marker.push_back({{"node", report.node}, {"at_ns", report.at_ns}, {"error", report.error}});
    if (!report.error.empty()) progress_.note(report.node + ": the proxy reports: " + report.error);
  }
  if (auto status = writer_.append_marker("programmed", stage_number_, marker.dump()); !status) {
    partial_reasons_.push_back(status.error().message);
  }
}

Status Runner::pause(std::chrono::milliseconds duration) {
  const auto deadline = steady_clock::now() + duration;
  Outstanding none;
  while (steady_clock::now() < deadline && !interrupted_) {
    const auto event = fleet_.next(std::min(deadline, steady_clock::now() + kTick));
    if (!event) continue;
    if (auto status = handle(*event, none); !status) return status;
  }
  return {};
}

Status Runner::settle(Outstanding outstanding, Deadline deadline) {
  while (!outstanding.empty() && !interrupted_) {
    if (steady_clock::now() >= deadline) {
      waiting_.clear();
      partial_reasons_.push_back("agent of " + outstanding.begin()->second + " did not finish its tasks in time");
      return {};
    }
    const auto event = fleet_.next(std::min(deadline, steady_clock::now() + kTick));
    if (!event) continue;
    if (auto status = handle(*event, outstanding); !status) return status;
    if (auto status = hand_out_next(outstanding); !status) return status;
  }
  return {};
}

Status Runner::handle(const fleet::Event& event, Outstanding& outstanding) {
  if (const auto* batch = std::get_if<fleet::Batch>(&event)) return take_batch(*batch, outstanding);
  if (const auto* lost = std::get_if<fleet::AgentLost>(&event)) lose_agent(*lost, outstanding);
  if (const auto* anew = std::get_if<fleet::AgentJoined>(&event)) {
    // Its responders are gone with its old session: what others send to them would be lost through our own fault.
    const auto reason = "agent of " + anew->hello.node + " started anew in the middle of the run";
    progress_.note(reason);
    partial_reasons_.push_back(reason);
  }
  if (const auto* back = std::get_if<fleet::AgentResumed>(&event)) {
    progress_.note("agent of " + back->agent + " was cut off and is back; nothing was lost");
  }
  return {};
}

Status Runner::take_batch(const fleet::Batch& batch, Outstanding& outstanding) {
  if (auto status = writer_.append_batch(batch.agent, stage_number_, batch.encoded); !status) return status;
  fleet_.acknowledge(batch.agent, batch.batch.sequence);
  samples_ += batch.batch.samples.size();
  if (hearing_) hearing_->take(batch.batch);
  progress_.done(samples_);
  if (!batch.batch.assignment_error.empty() && walk_orders_.contains(batch.batch.assignment)) {
    note_evidence(batch.agent + ": no packet walk: " + batch.batch.assignment_error);
  } else if (!batch.batch.assignment_error.empty()) {
    const auto reason = batch.agent + ": " + batch.batch.assignment_error;
    progress_.note(reason);
    partial_reasons_.push_back(reason);
    failed_.insert(batch.batch.assignment);
  }
  if (batch.batch.assignment_quiet) {
    if (auto quiet = outstanding.extract(batch.batch.assignment); !quiet.empty()) quiet_.insert(std::move(quiet));
  }
  if (batch.batch.assignment_done) {
    outstanding.erase(batch.batch.assignment);
    quiet_.erase(batch.batch.assignment);
  }
  return ask_further(batch.batch, outstanding);
}

Status Runner::ask_further(const ResultBatch& batch, Outstanding& outstanding) {
  if (!trail_) return {};
  for (auto& [agent, questions] : trail_->follow(batch)) {
    Assignment assignment;
    assignment.questions = std::move(questions);
    if (auto status = assign_to(agent, std::move(assignment), outstanding); !status) return status;
  }
  return {};
}

void Runner::lose_agent(const fleet::AgentLost& lost, Outstanding& outstanding) {
  const auto reason = "agent of " + lost.agent + " was lost: " + lost.why;
  lost_.insert(lost.agent);
  progress_.note(reason);
  partial_reasons_.push_back(reason);
  const nlohmann::json marker = {{"agent", lost.agent}, {"why", lost.why}};
  if (auto status = writer_.append_marker("agent-lost", stage_number_, marker.dump()); !status) {
    partial_reasons_.push_back(status.error().message);
  }
  for (auto* each : {&outstanding, &quiet_})
    std::erase_if(*each, [&](const auto& entry) { return entry.second == lost.agent; });
  std::erase_if(waiting_, [&](const auto& entry) { return entry.first == lost.agent; });
}

std::string Runner::partial_reason() const { return fmt::format("{}", fmt::join(partial_reasons_, "; ")); }

}  // namespace conntruth::app
