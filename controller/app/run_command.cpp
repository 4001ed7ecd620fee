#include "controller/app/run_command.hpp"

#include <fmt/core.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <sstream>

#include "common/codec/topology_json.hpp"
#include "controller/app/lab_environment.hpp"
#include "controller/app/lab_hold.hpp"
#include "controller/app/paths.hpp"
#include "controller/app/profile_choice.hpp"
#include "controller/app/progress.hpp"
#include "controller/app/recompute.hpp"
#include "controller/app/runner.hpp"
#include "controller/report/table.hpp"

namespace conntruth::app {

namespace {

using std::chrono::steady_clock;
constexpr std::chrono::seconds kAgentsWithin{20};

std::atomic<bool> interrupted{false};  // set by the signal handler only: a handler can reach nothing but a global

void on_signal(int /*signal*/) { interrupted = true; }

// While it lives, SIGINT and SIGTERM end the run as partial instead of killing the process.
class InterruptGuard {
 public:
  InterruptGuard() {
    struct sigaction action{};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, &old_int_);
    sigaction(SIGTERM, &action, &old_term_);
  }
  ~InterruptGuard() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction old_int_{};
  struct sigaction old_term_{};
};

std::int64_t unix_milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string kernel_release() {
  utsname names{};
  return uname(&names) == 0 ? std::string(names.release) : "unknown";
}

Result<RunInputs> collect_inputs(const RunRequest& request, const Environment& environment, std::string run_id) {
  RunInputs inputs;
  inputs.topology = environment.topology();
  inputs.nodes = environment.nodes();
  inputs.options = request.options;
  inputs.options.follow_bound = environment.patience().bound;
  inputs.options.follow_limit = environment.patience().limit;
  inputs.options.old_flows_bound = environment.patience().old_flows;
  inputs.options.timeout = environment.patience().answer;
  inputs.options.fixed_port_offset = static_cast<std::uint16_t>(unix_milliseconds() / 100 % 900);
  inputs.worlds = request.worlds;
  if (inputs.worlds.worlds.empty()) {
    if (auto status = add_subject(inputs, request.catalogue, request.world_file); !status) {
      return std::unexpected(status.error());
    }
  }
  auto chosen = choose_profiles(request.profile, inputs.topology, environment.dataplanes());
  if (!chosen) return std::unexpected(chosen.error().in("--profile"));
  inputs.facts = {{"started", std::move(run_id)},     {"version", kVersion},        {"environment", "lab"},
                  {"topology", inputs.topology.name}, {"kernel", kernel_release()}, {"profile", chosen->described}};
  inputs.options.profiles = std::move(chosen->profiles);
  inputs.profile_texts = std::move(chosen->texts);
  return inputs;
}

// After the run its Services are taken out of the dataplane again.
void clear_world(Environment& environment, std::uint64_t generation) {
  world::World empty;
  empty.generation = generation;
  empty.nodes = environment.nodes();
  if (auto status = environment.publish(empty); !status) {
    fmt::print(stderr, "conntruth: the run's Services stay in the dataplane until `conntruth cleanup`: {}\n",
               status.error().message);
  }
}

struct Session {
  LabEnvironment environment;
  fleet::Fleet fleet;
  Progress progress;
};

Status carry_out(Session& session, store::RunWriter& writer, RunInputs& inputs, std::string& partial_reason) {
  Runner runner(session.environment, session.fleet, writer, session.progress, interrupted);
  if (auto status = runner.gather_agents(steady_clock::now() + kAgentsWithin); !status) return status;
  for (const auto& [name, hello] : runner.agents()) inputs.options.capabilities[name] = hello.capabilities;
  auto plan = make_plan(inputs);
  if (!plan) return std::unexpected(plan.error());
  if (auto status = write_inputs(writer, inputs); !status) return status;
  const auto generation = static_cast<std::uint64_t>(unix_milliseconds());
  auto status = runner.carry_out(*plan, generation);
  clear_world(session.environment, generation + plan->stages.size());
  partial_reason = runner.partial_reason();
  return status;
}

Result<report::Report> finish(const store::RunStore& runs, const std::string& id) {
  auto reader = runs.open(id);
  if (!reader) return std::unexpected(reader.error());
  auto report = recompute(*reader);
  if (!report) return report;
  if (auto status = runs.write_report(id, report::to_json(*report)); !status) return std::unexpected(status.error());
  return report;
}

Result<report::Report> run_in(Session& session, const RunRequest& request) {
  const store::RunStore runs;
  const auto id = store::make_run_id(unix_milliseconds());
  auto inputs = collect_inputs(request, session.environment, id);
  if (!inputs) return std::unexpected(inputs.error());
  // Planned before anything starts, so that a wrong selection or world is told at once.
  if (auto plan = make_plan(*inputs); !plan) return std::unexpected(plan.error());
  auto writer = runs.create(id);
  if (!writer) return std::unexpected(writer.error());
  const auto endpoint = session.environment.controller_endpoint();
  if (auto status = session.fleet.listen(endpoint); !status) return std::unexpected(status.error());
  if (auto status = session.environment.start_agents(endpoint); !status) return std::unexpected(status.error());

  std::string partial_reason;
  const auto status = carry_out(session, *writer, *inputs, partial_reason);
  session.fleet.stop("the run is over");
  session.environment.stop_agents();
  session.progress.finish();
  if (!status) partial_reason += (partial_reason.empty() ? "" : "; ") + status.error().message;
  if (auto finished = writer->finish(partial_reason); !finished) return std::unexpected(finished.error());
  if (!status) {
    session.progress.note("what was measured before it ended early: conntruth matrix " + id);
    return std::unexpected(status.error().in("run " + id));
  }
  session.progress.note("run " + id + " is stored in " + writer->directory().string());
  return finish(runs, id);
}

}  // namespace

Result<report::Report> run(const RunRequest& request) {
  if (geteuid() != 0) {
    return fail(ErrorCode::kPermission,
                "a run enters network namespaces and sends raw packets, which needs root; try sudo");
  }
  const InterruptGuard guard;
  interrupted = false;
  const auto lab = LabHold::get(request.lab, request.quiet);
  if (!lab) return std::unexpected(lab.error());
  const auto& name = (*lab)->name();
  auto environment = LabEnvironment::open(name, {program_beside_this("conntruth-agent"), request.budget_pps});
  if (!environment) return std::unexpected(environment.error());
  Session session{std::move(*environment), fleet::Fleet({}), Progress(request.quiet)};
  return run_in(session, request);
}

void print_report(const report::Report& report, OutputFormat format) {
  switch (format) {
    case OutputFormat::kJson:
      std::cout << report::to_json(report);
      return;
    case OutputFormat::kYaml:
      std::cout << report::to_yaml(report);
      return;
    case OutputFormat::kTable:
    case OutputFormat::kWide:
      break;
  }
  report::TableOptions options;
  options.mode = format == OutputFormat::kWide ? report::TableMode::kWide : report::TableMode::kCompact;
  options.colour = report::wants_colour(isatty(STDOUT_FILENO) == 1, std::getenv("NO_COLOR"));
  report::print_tables(std::cout, report, options);
  report::print_summary(std::cout, report, options);
}

}  // namespace conntruth::app
