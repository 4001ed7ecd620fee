#include "controller/app/workload_run.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/app/world_delivery.hpp"
#include "controller/plan/rollout_builder.hpp"

namespace conntruth::app {

namespace {

using std::chrono::seconds;

constexpr seconds kPodsWithin{90};
constexpr std::uint32_t kMostRounds = 240;  // of a rollout
constexpr std::uint32_t kPortsPerScenario = 10;

bool is_rollout(const catalogue::WorkloadScenario& scenario) {
  return std::ranges::any_of(scenario.steps, &catalogue::WorkloadStep::rollout);
}

struct SliceCount {
  std::uint32_t ready = 0;
  std::uint32_t ending = 0;  // serving and terminating
  std::uint32_t others = 0;
  std::uint32_t serving = 0;  // of all of them
};

std::map<Family, SliceCount> count_slices(const std::vector<world::EndpointSlice>& slices) {
  std::map<Family, SliceCount> counts;
  for (const auto& slice : slices) {
    auto& count = counts[slice.family];
    for (const auto& endpoint : slice.endpoints) {
      if (endpoint.is_serving()) ++count.serving;
      const bool ending = endpoint.is_terminating() && endpoint.is_serving();
      ++(endpoint.is_ready() ? count.ready : ending ? count.ending : count.others);
    }
  }
  return counts;
}

}  // namespace

std::string WorkloadRun::label(const Part& part) const {
  return scenarios_[part.scenario].id + "/" + step_of(part).name;
}

Status WorkloadRun::choose() {
  const auto ids = plan::selected_scenarios(inputs_.workloads, inputs_.options);
  if (!ids) return std::unexpected(ids.error());
  for (auto& scenario : catalogue::workload_scenarios()) {
    if (std::ranges::find(*ids, scenario.id) != ids->end()) scenarios_.push_back(std::move(scenario));
  }
  wanted_.resize(scenarios_.size());
  return {};
}

std::vector<WorkloadRun::Parts> WorkloadRun::stages() const {
  std::vector<Parts> result;
  const auto put = [&result](std::size_t stage, Part part) {
    if (result.size() <= stage) result.resize(stage + 1);
    result[stage].push_back(part);
  };
  for (std::size_t i = 0; i < scenarios_.size(); ++i) {
    const auto steps = is_rollout(scenarios_[i]) ? 1 : scenarios_[i].steps.size();
    for (std::size_t step = 0; step < steps; ++step) put(step, {i, step});
  }
  for (std::size_t i = 0; i < scenarios_.size(); ++i) {
    if (!is_rollout(scenarios_[i])) continue;
    for (std::size_t step = 1; step < scenarios_[i].steps.size(); ++step) put(result.size(), {i, step});
  }
  return result;
}

Status WorkloadRun::carry_out(std::uint64_t first_generation) {
  if (auto status = choose(); !status) return status;
  if (auto status = workloads_.watch([this] { fleet_.wake(); }); !status) return status;
  const auto all = stages();
  for (std::size_t index = 0; index < all.size() && !interrupted_; ++index) {
    const bool rollout = step_of(all[index].front()).rollout;
    auto status = rollout ? run_rollout(all[index].front()) : run_stage(all[index], first_generation + index);
    if (!status) return status;
  }
  if (interrupted_) runner_.is_partial("interrupted");
  return {};
}

void WorkloadRun::tell(const std::string& line) {
  if (line == told_) return;
  progress_.step(line, 0);
  told_ = line;
}

// ---- One stage ----

Status WorkloadRun::run_stage(const Parts& parts, std::uint64_t generation) {
  for (const auto& part : parts) {
    if (auto status = change(part); !status) return status;
  }
  if (auto status = await(parts); !status || interrupted_) return status;
  const auto first_change = workloads_.sight().changes;
  auto facts = read_stage(parts);
  if (!facts) return std::unexpected(facts.error());
  inputs_.workloads.stages.push_back(std::move(*facts));
  if (auto status = write_stage(writer_, inputs_); !status) return status;
  const auto plan = make_plan(inputs_);
  if (!plan) return std::unexpected(plan.error());
  const auto index = inputs_.workloads.stages.size() - 1;
  if (auto status = runner_.carry_out_stage(*plan, index, generation); !status) return status;
  return note_changes(inputs_.workloads.stages.back(), first_change);
}

Result<plan::WorkloadStage> WorkloadRun::read_stage(const Parts& parts) {
  plan::WorkloadStage facts;
  auto world = workloads_.read_world();
  if (!world) return std::unexpected(world.error());
  facts.world = std::move(*world);
  facts.pods = places(workloads_.sight());
  for (const auto& part : parts) {
    const auto& scenario = scenarios_[part.scenario];
    plan::WorkloadProbes probes{scenario.id, step_of(part).name, {}, scenario.kept};
    for (const auto& service : scenario.services) probes.services.push_back(service.name);
    facts.probes.push_back(std::move(probes));
  }
  return facts;
}

std::vector<plan::WorkloadPlace> WorkloadRun::places(const WorkloadSight& sight) const {
  std::vector<plan::WorkloadPlace> result;
  for (const auto& [name, known] : known_) {
    if (sight.pods.contains(name)) result.push_back(known.place);
  }
  return result;
}

// Cells of a stage whose EndpointSlices did not stay as they were read say nothing.
Status WorkloadRun::note_changes(const plan::WorkloadStage& facts, std::size_t first) {
  std::set<std::string> services;
  for (const auto& probes : facts.probes) services.insert(probes.services.begin(), probes.services.end());
  for (const auto& change : workloads_.changes_from(first)) {
    if (!services.contains(change.service)) continue;
    std::vector<world::EndpointSlice> read;
    std::ranges::copy_if(facts.world.slices, std::back_inserter(read),
                         [&](const auto& slice) { return slice.service_name == change.service; });
    if (read == change.slices) continue;
    const auto why = "the EndpointSlices of " + change.service + " are no longer as they were read";
    progress_.note(why);
    return runner_.mark("unsettled", nlohmann::json{{"why", why}}.dump());
  }
  return {};
}

// ---- Deployments and their pods ----

Status WorkloadRun::change(const Part& part) {
  const auto& scenario = scenarios_[part.scenario];
  const auto& step = step_of(part);
  auto& wanted = wanted_[part.scenario];
  const auto nodes = inputs_.topology.nodes.size();
  const auto before = wanted.replicas;
  wanted.replicas = catalogue::count_of(step.replicas, nodes);
  wanted.leaving = scenario.linger.count() > 0 && before > wanted.replicas ? before - wanted.replicas : 0;
  if (wanted.port == 0)
    wanted.port = static_cast<std::uint16_t>(plan::kFirstWorkloadPort + part.scenario * kPortsPerScenario);
  if (step.anew) ++wanted.port;
  wanted.withheld.clear();
  auto withheld = catalogue::count_of(step.withheld, nodes);
  for (const auto& [name, known] : known_) {
    if (withheld == 0) break;
    if (known.place.port != wanted.port || !known.told_ready) continue;
    wanted.withheld.insert(name);
    --withheld;
  }
  return workloads_.apply({scenario.id, wanted.replicas, wanted.port, scenario.linger, scenario.services});
}

Status WorkloadRun::await(const Parts& parts) {
  const auto deadline = Steady::now() + kPodsWithin;
  while (!interrupted_) {
    const auto sight = workloads_.sight();
    if (auto status = tend(sight); !status) return status;
    std::string waiting;
    const bool late = Steady::now() >= deadline;
    for (const auto& part : parts) {
      if (auto status = trouble(part, sight, late); !status) return status;
      auto lack = missing(part, sight);
      if (!lack.empty() && waiting.empty()) waiting = fmt::format("{}: {}", label(part), lack);
    }
    if (waiting.empty()) return {};
    tell("waiting for " + waiting);
    if (auto status = runner_.poll(outstanding_, deadline); !status) return status;
  }
  return {};
}

Status WorkloadRun::tend(const WorkloadSight& sight) {
  for (const auto& [name, pod] : sight.pods) {
    if (pod.terminating) continue;
    if (!known_.contains(name)) {
      if (!pod.running || pod.addresses.empty() || pod.node.empty()) continue;
      if (auto status = welcome(pod); !status) return status;
    }
    auto& known = known_.at(name);
    if (outstanding_.contains(known.assignment) || runner_.has_failed(known.assignment)) continue;
    const auto scenario = std::ranges::find(scenarios_, pod.workload, &catalogue::WorkloadScenario::id);
    if (scenario == scenarios_.end()) continue;
    const auto& wanted = wanted_[static_cast<std::size_t>(scenario - scenarios_.begin())];
    const bool ready = !wanted.withheld.contains(name);
    if (ready == known.told_ready) continue;
    if (auto status = workloads_.set_ready(name, ready); !status) return status;
    known.told_ready = ready;
  }
  return {};
}

// Its node's agent answers in it.
Status WorkloadRun::welcome(const WorkloadPod& pod) {
  Known known;
  known.place = {pod.name, pod.node, pod.addresses, pod.port, next_responder_, next_responder_ + 1};
  next_responder_ += 2;
  runner_.know_place({pod.name, pod.addresses});
  const std::vector<ResponderSpec> specs = {{known.place.tcp_responder, pod.name, Protocol::kTcp, pod.port},
                                            {known.place.udp_responder, pod.name, Protocol::kUdp, pod.port}};
  const auto handed = runner_.hand_out(pod.node, specs, outstanding_);
  if (!handed) return std::unexpected(handed.error());
  known.assignment = *handed;
  known_.emplace(pod.name, std::move(known));
  return {};
}

Status WorkloadRun::trouble(const Part& part, const WorkloadSight& sight, bool late) const {
  const auto& id = scenarios_[part.scenario].id;
  const auto ended = [&](const std::string& why) -> Status {
    return fail(ErrorCode::kUnavailable, fmt::format("Deployment conntruth/{}: {}", id, why));
  };
  if (const auto found = sight.trouble.find(id); found != sight.trouble.end())
    return ended("its pods cannot be made: " + found->second);
  std::vector<std::string> reasons;
  for (const auto& [name, pod] : sight.pods) {
    if (pod.workload != id || pod.terminating) continue;
    const auto known = known_.find(name);
    if (known != known_.end() && runner_.has_failed(known->second.assignment))
      return ended(fmt::format("the agent of {} cannot answer in its pod {}", pod.node, name));
    if (known != known_.end() && runner_.has_lost(pod.node))
      return ended(fmt::format("the agent of {} is lost, so that nobody answers in its pod {}", pod.node, name));
    if (pod.hopeless) return ended(fmt::format("its pod {} on {} cannot run: {}", name, pod.node, pod.trouble));
    if (!pod.trouble.empty())
      reasons.push_back(fmt::format("pod {}{}{}: {}", name, pod.node.empty() ? "" : " on ", pod.node, pod.trouble));
  }
  if (!late) return {};
  const auto lack = missing(part, sight);
  if (lack.empty()) return {};
  if (!sight.watching.empty()) reasons.push_back("watching the API: " + sight.watching);
  return ended(fmt::format("{} s have not been enough: {}{}{}", kPodsWithin.count(), lack, reasons.empty() ? "" : "; ",
                           fmt::join(reasons, "; ")));
}

std::string WorkloadRun::missing(const Part& part, const WorkloadSight& sight) const {
  const auto& scenario = scenarios_[part.scenario];
  const auto& wanted = wanted_[part.scenario];
  std::uint32_t right = 0;
  std::uint32_t others = 0;
  std::uint32_t ending = 0;
  for (const auto& [name, pod] : sight.pods) {
    if (pod.workload != scenario.id) continue;
    if (pod.terminating) {
      ++ending;
      continue;
    }
    const bool counts = pod.port == wanted.port && pod.ready != wanted.withheld.contains(name);
    ++(counts ? right : others);
  }
  if (right != wanted.replicas || others > 0)
    return fmt::format("{} of {} pods are as they should be{}", right, wanted.replicas,
                       others == 0 ? "" : fmt::format(", {} are not", others));
  if (wanted.leaving == 0 && ending > 0) return fmt::format("{} pods are still ending", ending);
  if (ending < wanted.leaving) return fmt::format("{} of {} pods are terminating", ending, wanted.leaving);
  return missing_slices(part, sight, ending);
}

std::string WorkloadRun::missing_slices(const Part& part, const WorkloadSight& sight, std::uint32_t ending) const {
  const auto& wanted = wanted_[part.scenario];
  const auto withheld = static_cast<std::uint32_t>(wanted.withheld.size());
  for (const auto& service : scenarios_[part.scenario].services) {
    const auto slices = sight.slices.find(service.name);
    if (slices == sight.slices.end()) return "EndpointSlices of " + service.name;
    const auto counts = count_slices(slices->second);
    if (counts.size() < inputs_.topology.ranges.cluster_ips.size())
      return fmt::format("EndpointSlices of {} in every family", service.name);
    const auto others = service.publish_not_ready ? 0 : withheld;
    const auto ready = wanted.replicas - others;
    for (const auto& [family, count] : counts) {
      const auto serving = wanted.replicas - withheld + ending;
      if (count.ready == ready && count.ending == ending && count.others == others && count.serving == serving)
        continue;
      return fmt::format(
          "EndpointSlices of {} ({}): {} of {} ready, {} of {} terminating, {} of {} not ready, {} of {} serving",
          service.name, to_string(family), count.ready, ready, count.ending, ending, count.others, others,
          count.serving, serving);
    }
  }
  return {};
}

// ---- A rollout ----

Status WorkloadRun::begin_rollout(const Part& part) {
  const nlohmann::json marker = {{"generation", 0}, {"at_ns", monotonic_ns()}};
  if (auto status = change(part); !status) return status;
  return runner_.mark("published", marker.dump());
}

Status WorkloadRun::run_rollout(const Part& part) {
  auto facts = read_stage({part});
  if (!facts) return std::unexpected(facts.error());
  const auto first_change = workloads_.sight().changes;
  const auto& service = scenarios_[part.scenario].services.front().name;
  auto& rollout = facts->rollout.emplace(plan::WorkloadRollout{service, kMostRounds, {}});
  runner_.begin_stage(inputs_.workloads.stages.size());
  const auto status = keep_pace(part, *facts, rollout.rounds);
  for (auto& change : workloads_.changes_from(first_change)) {
    if (change.service == service) rollout.changes.push_back({change.at_ns, std::move(change.slices)});
  }
  for (const auto& place : places(workloads_.sight())) {
    if (std::ranges::find(facts->pods, place.name, &plan::WorkloadPlace::name) == facts->pods.end())
      facts->pods.push_back(place);
  }
  inputs_.workloads.stages.push_back(std::move(*facts));
  if (auto written = write_stage(writer_, inputs_); !written) return written;
  if (auto settled = runner_.settle(std::exchange(outstanding_, {})); !settled) return settled;
  return status;
}

// A round of tasks each second, until the rollout is over and one round more.
Status WorkloadRun::keep_pace(const Part& part, const plan::WorkloadStage& facts, std::uint32_t& rounds) {
  auto inputs = inputs_;
  inputs.workloads.stages.push_back(facts);
  const auto plan = make_plan(inputs);
  if (!plan) return std::unexpected(plan.error());
  rounds = 0;
  if (auto status = runner_.hand_out_responders(*plan); !status) return status;
  if (auto status = runner_.mark_probed(); !status) return status;
  const auto& tasks = plan->stages.back().tasks;
  const auto each = tasks.size() / kMostRounds;
  const auto start = Steady::now();
  bool begun = false;
  std::uint32_t last = kMostRounds;
  while (!interrupted_) {
    const auto due = start + rounds * plan::kRolloutRound;
    if (Steady::now() >= due) {
      if (rounds == last) return {};
      const auto first = tasks.begin() + static_cast<std::ptrdiff_t>(rounds * each);
      auto assigned = runner_.assign({first, first + static_cast<std::ptrdiff_t>(each)});
      if (!assigned) return std::unexpected(assigned.error());
      outstanding_.merge(*assigned);
      ++rounds;
      continue;
    }
    if (rounds == 2 && !std::exchange(begun, true)) {
      if (auto status = begin_rollout(part); !status) return status;
    }
    const auto sight = workloads_.sight();
    if (auto status = tend(sight); !status) return status;
    if (auto status = trouble(part, sight, rounds == kMostRounds); !status) return status;
    const auto lack = begun ? missing(part, sight) : std::string("the first flows");
    if (lack.empty() && last == kMostRounds) last = rounds + 1;
    tell(fmt::format("{} at a fixed pace: {}", label(part), lack.empty() ? "the last flows" : lack));
    if (auto status = runner_.poll(outstanding_, due); !status) return status;
  }
  return {};
}

}  // namespace conntruth::app
