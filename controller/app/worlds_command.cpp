#include "controller/app/worlds_command.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "controller/app/lab_hold.hpp"
#include "controller/app/output_option.hpp"
#include "controller/app/run_command.hpp"
#include "controller/app/world_shrinker.hpp"
#include "controller/worlds/generator.hpp"
#include "controller/worlds/placement.hpp"
#include "lab/lab.hpp"

namespace conntruth::app {

namespace {

using Json = nlohmann::ordered_json;
using std::chrono::steady_clock;

struct WorldsRequest {
  RunRequest run;
  std::uint64_t seed = 1;
  std::uint64_t first = 0;
  std::uint64_t count = 100;
  std::vector<std::uint64_t> only;
  std::uint32_t flows = 16;
  std::uint32_t at_once = 25;
  unsigned shrink_at_most = 5;
  bool keep_whole = false;
  std::string directory = ".";
  OutputFormat format = OutputFormat::kTable;
};

// A world that failed, and what came of it.
struct Outcome {
  Failure failure;
  std::uint64_t number = 0;
  std::size_t red_cells = 0;
  std::optional<Shrunk> shrunk;
  std::string file;
  std::string command;
};

// A red cell that no world is to blame for: how late a proxy followed is told by a canary beside them.
struct RedCell {
  std::string id;
  judge::Reason reason;
};

struct WorldsResult {
  report::Report report;
  std::vector<Outcome> failures;
  std::vector<RedCell> beyond_worlds;
  double minutes = 0;
};

std::string id_of(std::uint64_t number) { return fmt::format("w{}", number); }

Result<worlds::WorldSet> make_worlds(const WorldsRequest& request, const Topology& topology) {
  worlds::WorldSet set{{}, {request.at_once, request.flows}};
  auto numbers = request.only;
  for (std::uint64_t i = 0; numbers.size() < request.count && request.only.empty(); ++i) {
    numbers.push_back(request.first + i);
  }
  for (const auto number : numbers) {
    const auto world = worlds::generate(topology, request.seed, number);
    auto placed = worlds::place(world, topology, id_of(number), static_cast<std::uint32_t>(number % 100'000));
    if (!placed) return std::unexpected(placed.error());
    set.worlds.push_back({id_of(number), worlds::world_seed(request.seed, number), std::move(*placed), {}});
  }
  return set;
}

// Few flows per cell: what counts is how many different worlds are seen.
void few_flows(plan::PlanOptions& options) {
  options.answered = {4, 28};
  options.sticky = {2, 14};
  options.unanswered = {2, 6};
  options.control = {1, 3};
}

std::string command_of(const WorldsRequest& request, const Outcome& outcome) {
  return fmt::format("conntruth worlds --seed {} --only {}{}{}", request.seed, outcome.number,
                     request.run.lab.empty() ? "" : " --lab " + request.run.lab,
                     request.run.profile == "auto" ? "" : " --profile " + request.run.profile);
}

void sort_red_cells(const WorldsRequest& request, WorldsResult& result) {
  auto& failures = result.failures;
  for (const auto index : result.report.table_order) {
    const auto& cell = result.report.cells[index];
    if (cell.verdict.verdict != judge::Verdict::kFail) continue;
    const auto& all = request.run.worlds.worlds;
    const auto named = std::ranges::find(all, cell.scenario, &plan::NamedWorld::id);
    if (named == all.end() || cell.rule == plan::CellRule::kFollow) {
      result.beyond_worlds.push_back({cell.id, cell.verdict.reason()});
      continue;
    }
    if (!failures.empty() && failures.back().failure.world.id == cell.scenario) {
      ++failures.back().red_cells;
      continue;
    }
    Outcome outcome{{*named, cell.id, plan::key_of(cell.flow), cell.verdict.reason()}, 0, 1, {}, {}, {}};
    outcome.number = std::stoull(named->id.substr(1));
    outcome.command = command_of(request, outcome);
    failures.push_back(std::move(outcome));
  }
}

std::vector<std::string> comments_of(const WorldsRequest& request, const Outcome& outcome) {
  std::vector<std::string> lines{
      fmt::format("seed {}, world {}: {}", request.seed, outcome.number, outcome.failure.cell),
      fmt::format("{}: {}", to_string(outcome.failure.reason.code), outcome.failure.reason.text),
      "the whole world:  " + outcome.command, "this one:         conntruth run --world " + outcome.file};
  if (!outcome.shrunk) return lines;
  const auto& shrunk = *outcome.shrunk;
  lines.push_back(fmt::format("probed again {} times, failed again {} times{}", shrunk.repeats, shrunk.again,
                              shrunk.is_flake() ? ": not always, so nothing was taken out" : ""));
  for (const auto& step : shrunk.taken_out) lines.push_back("taken out: " + step);
  if (!shrunk.error.empty()) lines.push_back("not shrunk to the end: " + shrunk.error);
  return lines;
}

Status write_file(const WorldsRequest& request, Outcome& outcome) {
  const auto path =
      std::filesystem::path(request.directory) / fmt::format("world-{}-{}.yaml", request.seed, outcome.number);
  outcome.file = path.string();
  const auto& world = outcome.shrunk ? outcome.shrunk->world : outcome.failure.world.world;
  std::ofstream file(path);
  file << worlds::to_yaml(world, comments_of(request, outcome));
  file.close();
  if (!file) return fail(ErrorCode::kResource, "cannot write " + outcome.file + "; name another directory by --out");
  return {};
}

Result<WorldsResult> carry_out(WorldsRequest& request) {
  const auto hold = LabHold::get(request.run.lab, request.run.quiet);
  if (!hold) return std::unexpected(hold.error());
  request.run.lab = (*hold)->name();
  const auto lab = lab::Lab::open(request.run.lab);
  if (!lab) return std::unexpected(lab.error());
  auto worlds = make_worlds(request, lab->topology());
  if (!worlds) return std::unexpected(worlds.error());
  request.run.worlds = std::move(*worlds);
  few_flows(request.run.options);
  const auto begun = steady_clock::now();
  auto report = run(request.run);
  if (!report) return std::unexpected(report.error());
  WorldsResult result{
      std::move(*report), {}, {}, std::chrono::duration<double>(steady_clock::now() - begun).count() / 60};
  sort_red_cells(request, result);
  unsigned shrunk = 0;
  for (auto& outcome : result.failures) {
    if (!request.keep_whole && shrunk++ < request.shrink_at_most) {
      if (!request.run.quiet) fmt::print(stderr, "conntruth: shrinking world {}\n", outcome.number);
      outcome.shrunk = shrink(request.run, lab->topology(), outcome.failure);
    }
    if (auto status = write_file(request, outcome); !status) return std::unexpected(status.error());
  }
  return result;
}

std::map<std::string, std::uint64_t> facts_of(const report::Report& report) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& cell : report.cells) {
    for (const auto& fact : cell.expectation.profile_facts) ++counts[fact];
  }
  return counts;
}

Json reason_json(const judge::Reason& reason) { return {{"code", to_string(reason.code)}, {"text", reason.text}}; }

Json failure_json(const Outcome& outcome) {
  Json json{{"world", outcome.number},      {"redCells", outcome.red_cells},
            {"cell", outcome.failure.cell}, {"reason", reason_json(outcome.failure.reason)},
            {"file", outcome.file},         {"command", outcome.command}};
  if (!outcome.shrunk) return json;
  json["shrunk"] = {{"repeats", outcome.shrunk->repeats},    {"failedAgain", outcome.shrunk->again},
                    {"flake", outcome.shrunk->is_flake()},   {"runs", outcome.shrunk->runs},
                    {"takenOut", outcome.shrunk->taken_out}, {"services", outcome.shrunk->world.services.size()},
                    {"error", outcome.shrunk->error}};
  return json;
}

void print_json(const WorldsRequest& request, const WorldsResult& result) {
  const auto& summary = result.report.summary;
  Json json{{"apiVersion", "conntruth.dev/v1"}, {"kind", "WorldsReport"}, {"run", result.report.run.id}};
  json["seed"] = request.seed;
  json["worlds"] = request.run.worlds.worlds.size();
  json["worldsPerMinute"] = static_cast<double>(request.run.worlds.worlds.size()) / result.minutes;
  json["cells"] = {{"pass", summary.pass},   {"fail", summary.fail},         {"invalid", summary.invalid},
                   {"error", summary.error}, {"recorded", summary.recorded}, {"notRun", summary.not_run}};
  json["byProfile"] = facts_of(result.report);
  json["failures"] = Json::array();
  for (const auto& outcome : result.failures) json["failures"].push_back(failure_json(outcome));
  json["beyondWorlds"] = Json::array();
  for (const auto& red : result.beyond_worlds) {
    json["beyondWorlds"].push_back({{"cell", red.id}, {"reason", reason_json(red.reason)}});
  }
  print_document(json.dump(2), request.format);
}

void print_failure(const Outcome& outcome) {
  fmt::print("\nworld {}: {} red cells, the first: {}\n  {}: {}\n", outcome.number, outcome.red_cells,
             outcome.failure.cell, to_string(outcome.failure.reason.code), outcome.failure.reason.text);
  if (outcome.shrunk) {
    const auto& shrunk = *outcome.shrunk;
    if (!shrunk.error.empty()) fmt::print("  not shrunk to the end: {}\n", shrunk.error);
    if (shrunk.is_flake()) {
      fmt::print("  a flake: it came again in {} of {} repetitions\n", shrunk.again, shrunk.repeats);
    } else {
      fmt::print("  comes again every time{}; {} things taken out in {} runs\n",
                 shrunk.beside_others ? " beside the world's other flows" : "", shrunk.taken_out.size(), shrunk.runs);
    }
  }
  fmt::print("  {}\n  again: {}\n", outcome.file, outcome.command);
}

void print_text(const WorldsRequest& request, const WorldsResult& result) {
  const auto& summary = result.report.summary;
  for (const auto& outcome : result.failures) print_failure(outcome);
  for (const auto& red : result.beyond_worlds) {
    fmt::print("\nbeyond the worlds: {}\n  {}: {}\n", red.id, to_string(red.reason.code), red.reason.text);
  }
  const auto quiet = result.failures.empty() && result.beyond_worlds.empty();
  const auto count = request.run.worlds.worlds.size();
  fmt::print("{}{}: {} random worlds of seed {}, {} failed; {:.0f} worlds a minute\n", quiet ? "" : "\n",
             result.report.exit_code() == 0 ? "PASS" : "FAIL", count, request.seed, result.failures.size(),
             static_cast<double>(count) / result.minutes);
  fmt::print("{} cells: {} pass, {} fail, {} invalid, {} error, {} recorded, {} not run (run {})\n", summary.total(),
             summary.pass, summary.fail, summary.invalid, summary.error, summary.recorded, summary.not_run,
             result.report.run.id);
  for (const auto& [fact, cells] : facts_of(result.report)) {
    fmt::print("by profile: {} cells were judged by {}\n", cells, fact);
  }
}

int worlds_command(WorldsRequest& request) {
  const auto result = carry_out(request);
  if (!result) {
    fmt::print(stderr, "conntruth: {}\n", result.error().message);
    return 1;
  }
  if (is_document(request.format)) {
    print_json(request, *result);
  } else {
    print_text(request, *result);
  }
  return result->report.exit_code();
}

}  // namespace

void add_worlds(CLI::App& app, int& exit_code) {
  auto request = std::make_shared<WorldsRequest>();
  auto* command = app.add_subcommand("worlds", "probe random worlds, and shrink those that fail");
  command->add_option("--lab", request->run.lab, "the lab; without it \"default\", or one made for this command");
  command->add_option("--count", request->count, "how many worlds")->check(CLI::Range(1, 100'000));
  command->add_option("--seed", request->seed, "the same seed gives the same worlds");
  command->add_option("--first", request->first, "number of the first one");
  command->add_option("--only", request->only, "just the worlds of these numbers")->delimiter(',');
  command->add_option("--flows", request->flows, "probed of each world; 0: all");
  command->add_option("--at-once", request->at_once, "worlds that stand side by side")
      ->check(CLI::Range(1U, worlds::kSlotsAtOnce));
  command->add_option("--shrink", request->shrink_at_most, "how many of the failing ones are shrunk");
  command->add_flag("--no-shrink", request->keep_whole, "write failing worlds down as they are");
  command->add_option("--out", request->directory, "where failing worlds are written to")
      ->check(CLI::ExistingDirectory);
  command->add_option("--profile", request->run.profile, "as for run");
  command->add_option("--budget", request->run.budget_pps, "probes per second and node")
      ->check(CLI::Range(1, 1'000'000));
  command->add_flag("-q,--quiet", request->run.quiet, "no progress on stderr");
  add_output(*command, request->format, {"table", "json", "yaml"});
  command->footer(
      "Exit codes: 0 every world as expected, 1 tool error, 2 a world failed, 3 nothing runnable.\n\nExamples:\n"
      "  conntruth worlds --lab real --count 1000 --seed 7\n"
      "  conntruth worlds --lab real --seed 7 --only 17,203 --flows 0    these two again, every flow\n"
      "  conntruth run --lab real --world world-7-17.yaml                 a shrunk one again");
  command->callback([request, &exit_code] { exit_code = worlds_command(*request); });
}

}  // namespace conntruth::app
