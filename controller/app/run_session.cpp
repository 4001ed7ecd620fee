#include "controller/app/run_session.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "common/world/world_reader.hpp"
#include "controller/app/paths.hpp"
#include "controller/app/profile_choice.hpp"
#include "controller/app/recompute.hpp"
#include "controller/app/run_inputs.hpp"
#include "controller/app/runner.hpp"
#include "controller/app/workload_run.hpp"

namespace conntruth::app {

namespace {

using std::chrono::steady_clock;
constexpr std::chrono::seconds kAgentsWithin{20};

std::int64_t unix_milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// By what the environment knows of the nodes, and anew once their agents have told more.
Status take_profiles(const std::string& wanted, const Environment& environment, RunInputs& inputs) {
  const auto dataplanes = with_told(environment.dataplanes(), inputs.options.capabilities);
  auto chosen = choose_profiles(wanted, inputs.topology, dataplanes);
  if (!chosen) return std::unexpected(chosen.error().in("--profile"));
  std::erase_if(inputs.facts, [](const auto& fact) { return fact.first == "profile"; });
  inputs.facts.emplace_back("profile", chosen->described);
  inputs.options.profiles = std::move(chosen->profiles);
  inputs.profile_texts = std::move(chosen->texts);
  return {};
}

Result<RunInputs> collect_inputs(const RunRequest& request, Environment& environment, std::string run_id) {
  RunInputs inputs;
  inputs.topology = environment.topology();
  inputs.nodes = environment.nodes();
  inputs.options = request.options;
  // Random worlds are there for the rules. How soon they are followed is a measurement of its own, and red there only
  // where they never are.
  const auto patience = environment.patience();
  inputs.options.follow_bound = request.worlds.worlds.empty() ? patience.bound : patience.limit;
  inputs.options.follow_limit = patience.limit;
  inputs.options.old_flows_bound = patience.old_flows;
  inputs.options.timeout = patience.answer;
  inputs.options.fixed_interval = patience.fixed_pace;
  inputs.options.icmp_limited = environment.limits_icmp();
  inputs.options.nodes_may_change = environment.nodes_may_change();
  inputs.options.fixed_port_offset = static_cast<std::uint16_t>(unix_milliseconds() / 100 % 900);
  inputs.worlds = request.worlds;
  inputs.workloads.present = request.workloads;
  if (request.workloads && environment.workloads() == nullptr)
    return fail(ErrorCode::kUnsupported,
                "--workloads: makes Deployments, which only a cluster with our install has "
                "pods for: add --kubeconfig");
  if (request.workloads) {
    for (const auto& scenario : catalogue::workload_scenarios())
      inputs.workloads.scenarios.push_back(catalogue::outline_of(scenario));
  } else if (request.options.reading.existing) {
    auto existing = environment.existing();
    if (!existing) return std::unexpected(existing.error());
    inputs.world_text = world::write_world(existing->world);
    inputs.world_origin = "the cluster's Services";
    inputs.versions = std::move(existing->versions);
  } else if (!request.world_text.empty()) {
    inputs.world_text = request.world_text;
    inputs.world_origin = request.world_file;
  } else if (inputs.worlds.worlds.empty()) {
    if (auto status = add_subject(inputs, request.catalogue, request.world_file); !status) {
      return std::unexpected(status.error());
    }
  }
  inputs.facts = {{"started", std::move(run_id)},
                  {"version", kVersion},
                  {"environment", environment.kind()},
                  {"topology", inputs.topology.name},
                  {"kernel", environment.kernel()}};
  if (auto taken = take_profiles(request.profile, environment, inputs); !taken) return std::unexpected(taken.error());
  return inputs;
}

// After the run its Services are taken out of the dataplane again. What stays behind, as a line; "" where nothing does.
std::string clear_world(Environment& environment, std::uint64_t generation) {
  world::World empty;
  empty.generation = generation;
  empty.nodes = environment.nodes();
  const auto status = environment.publish(empty);
  if (status) return {};
  return "the run's Services stay in the dataplane until `conntruth cleanup`: " + status.error().message;
}

// Nodes whose agents did not come are left out where the environment says that a run may do without.
Status leave_out(const std::set<std::string>& absent, const std::map<std::string, std::string>& refusals,
                 const RunSession& session, RunInputs& inputs, std::vector<std::string>& uncovered) {
  if (absent.empty()) return {};
  const auto where = session.environment.where_agents_log();
  for (const auto& name : absent) {
    std::erase_if(inputs.topology.nodes, [&](const TopologyNode& node) { return node.name == name; });
    const auto refused = refusals.find(name);
    uncovered.push_back(refused == refusals.end()
                            ? "no agent came from " + name
                            : fmt::format("the agent of {} was refused: {}", name, refused->second));
    session.progress.note("not covered: " + uncovered.back());
  }
  if (!session.environment.needs_every_agent() && !inputs.topology.nodes.empty()) return {};
  return fail(ErrorCode::kUnavailable, fmt::format("no agent came from {}; {}", fmt::join(absent, ", "), where));
}

class Run {
 public:
  Run(RunSession& session, store::RunWriter& writer, RunInputs& inputs, std::string profile)
      : session_(session),
        writer_(writer),
        inputs_(inputs),
        profile_(std::move(profile)),
        fleet_(session.fleet),
        uncovered_(session.environment.uncovered()) {}

  [[nodiscard]] Status carry_out() {
    for (const auto& line : uncovered_) session_.progress.note("not covered: " + line);
    if (auto status = fleet_.listen(session_.listen); !status) return status;
    listens_ = true;
    auto status = session_.environment.start_agents(session_.endpoint);
    if (status) status = with_agents();
    session_.progress.finish();
    return status;
  }

  // To be called once, after carry_out(), from any thread: what was measured is stored by then. What stays behind, as a
  // line; "" where nothing does.
  [[nodiscard]] std::string take_down() {
    std::string left;
    if (published_) left = clear_world(session_.environment, *published_);
    if (!listens_) return left;
    fleet_.stop("the run is over");
    session_.environment.stop_agents();
    return left;
  }

  // Why it is not complete, or "".
  [[nodiscard]] std::string partial_reason() const {
    auto reasons = reasons_;
    if (!uncovered_.empty())
      reasons.insert(reasons.begin(), fmt::format("not covered: {}", fmt::join(uncovered_, ", ")));
    return fmt::format("{}", fmt::join(reasons, "; "));
  }

 private:
  [[nodiscard]] Status with_agents() {
    Runner runner(session_.environment, fleet_, writer_, session_.progress, session_.interrupted);
    const auto absent = runner.gather_agents(steady_clock::now() + kAgentsWithin);
    if (!absent) return std::unexpected(absent.error());
    if (auto status = leave_out(*absent, fleet_.refusals(), session_, inputs_, uncovered_); !status) return status;
    for (const auto& [name, hello] : runner.agents()) inputs_.options.capabilities[name] = hello.capabilities;
    if (auto taken = take_profiles(profile_, session_.environment, inputs_); !taken) return taken;
    if (!inputs_.options.profiles.nodes.empty()) session_.progress.note("judged by " + inputs_.facts.back().second);
    auto plan = make_plan(inputs_);
    if (!plan) return std::unexpected(plan.error());
    if (inputs_.options.reading.existing) inputs_.facts.emplace_back("reading", plan::describe_reading(*plan));
    if (auto status = write_inputs(writer_, inputs_); !status) return status;
    const auto generation = static_cast<std::uint64_t>(unix_milliseconds());
    auto status = inputs_.workloads.present ? with_workloads(runner, generation) : runner.carry_out(*plan, generation);
    if (inputs_.options.reading.existing) {
      if (auto noted = note_changes(); !noted) reasons_.push_back(noted.error().message);
    } else {
      published_ = generation + std::max(plan->stages.size(), inputs_.workloads.stages.size());
    }
    if (auto reason = runner.partial_reason(); !reason.empty()) reasons_.push_back(std::move(reason));
    return status;
  }

  [[nodiscard]] Status with_workloads(Runner& runner, std::uint64_t generation) {
    WorkloadRun run(*session_.environment.workloads(), runner, fleet_, writer_, session_.progress, session_.interrupted,
                    inputs_);
    auto status = run.carry_out(generation);
    session_.environment.workloads()->unwatch();  // it wakes the fleet
    return status;
  }

  // Services that are not what they were when they were read, for the judge.
  [[nodiscard]] Status note_changes() {
    const auto now = session_.environment.existing();
    if (!now) return std::unexpected(now.error().in("whether Services changed meanwhile is not known"));
    nlohmann::json changed = nlohmann::json::array();
    for (const auto& [service, versions] : inputs_.versions) {
      const auto found = now->versions.find(service);
      if (found == now->versions.end() || found->second != versions) changed.push_back(service);
    }
    return writer_.append_marker("changed", 0, changed.dump());
  }

  RunSession& session_;
  store::RunWriter& writer_;
  RunInputs& inputs_;
  const std::string profile_;  // as it was asked for
  fleet::Fleet fleet_;
  std::vector<std::string> uncovered_;
  std::vector<std::string> reasons_;
  bool listens_ = false;
  std::optional<std::uint64_t> published_;  // the generation after its last world's
};

Result<report::Report> finish(const store::RunStore& runs, const std::string& id) {
  auto reader = runs.open(id);
  if (!reader) return std::unexpected(reader.error());
  auto report = recompute(*reader);
  if (!report) return report;
  if (auto status = runs.write_report(id, report::to_json(*report)); !status) return std::unexpected(status.error());
  return report;
}

// Ends the run that was carried out with `status`.
Result<report::Report> conclude(const Run& run, const Status& status, store::RunWriter& writer, Progress& progress,
                                const store::RunStore& runs, const std::string& id) {
  auto reason = run.partial_reason();
  if (!status) reason += (reason.empty() ? "" : "; ") + status.error().message;
  if (auto finished = writer.finish(reason); !finished) return std::unexpected(finished.error());
  if (!status) {
    progress.note("what was measured before it ended early: conntruth matrix " + id);
    return std::unexpected(status.error().in("run " + id));
  }
  progress.note("run " + id + " is stored in " + writer.directory().string());
  return finish(runs, id);
}

}  // namespace

std::string new_run_id() { return store::make_run_id(unix_milliseconds()); }

Result<report::Report> carry_out_run(RunSession& session, const RunRequest& request, const store::RunStore& runs,
                                     const std::string& id) {
  auto inputs = collect_inputs(request, session.environment, id);
  if (!inputs) return std::unexpected(inputs.error());
  // Planned before anything starts, so that a wrong selection or world is told at once.
  if (auto plan = make_plan(*inputs); !plan) return std::unexpected(plan.error());
  auto writer = runs.create(id);
  if (!writer) return std::unexpected(writer.error());
  Run run(session, *writer, *inputs, request.profile);
  const auto status = run.carry_out();
  // Proxies and agents need a while to let go, and judging needs no more than what is stored.
  auto taken_down = std::async(std::launch::async, [&run] { return run.take_down(); });
  auto report = conclude(run, status, *writer, session.progress, runs, id);
  if (const auto left = taken_down.get(); !left.empty()) session.progress.note(left);
  return report;
}

}  // namespace conntruth::app
