#include "controller/app/view_commands.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "controller/app/recompute.hpp"
#include "controller/catalogue/catalogue.hpp"
#include "controller/store/run_store.hpp"

namespace conntruth::app {

namespace {

Result<store::RunReader> open_run(const store::RunStore& runs, const std::string& run) {
  if (!run.empty()) return runs.open(run);
  auto all = runs.list();
  if (!all) return std::unexpected(all.error());
  if (all->empty()) {
    return fail(ErrorCode::kNotFound,
                "there is no run in " + runs.directory().string() + " yet; `conntruth run` makes one");
  }
  return runs.open(all->back().id);
}

}  // namespace

Result<report::Report> load_report(const std::string& run) {
  const store::RunStore runs;
  auto reader = open_run(runs, run);
  if (!reader) return std::unexpected(reader.error());
  return recompute(*reader);
}

Result<report::Report> rejudge(const std::string& run) {
  auto report = load_report(run);
  if (!report) return report;
  const store::RunStore runs;
  if (auto status = runs.write_report(report->run.id, report::to_json(*report)); !status) {
    return std::unexpected(status.error());
  }
  return report;
}

Status list_runs(OutputFormat format) {
  const store::RunStore runs;
  auto all = runs.list();
  if (!all) return std::unexpected(all.error());
  if (is_document(format)) {
    auto json = nlohmann::ordered_json::array();
    for (const auto& run : *all) {
      json.push_back({{"id", run.id},
                      {"state", store::to_string(run.state)},
                      {"reason", run.reason},
                      {"bytes", run.bytes},
                      {"report", run.has_report}});
    }
    print_document(json.dump(2), format);
    return {};
  }
  fmt::print("{:<22} {:<10} {:>12}  {}\n", "RUN", "STATE", "BYTES", "REASON");
  for (const auto& run : *all) {
    fmt::print("{:<22} {:<10} {:>12}  {}\n", run.id, store::to_string(run.state), run.bytes, run.reason);
  }
  return {};
}

Status list_scenarios(const std::string& catalogue, OutputFormat format) {
  auto scenarios = catalogue::load_catalogue(catalogue.empty() ? catalogue::default_directory() : catalogue);
  if (!scenarios) return std::unexpected(scenarios.error());
  if (is_document(format)) {
    auto json = nlohmann::ordered_json::array();
    for (const auto& scenario : *scenarios) {
      json.push_back({{"id", scenario.id}, {"title", scenario.title}, {"covers", catalogue::all_covers(scenario)}});
    }
    print_document(json.dump(2), format);
    return {};
  }
  for (const auto& scenario : *scenarios) {
    fmt::print("{:<34} {}\n", scenario.id, scenario.title);
    if (format == OutputFormat::kWide)
      fmt::print("{:<34}   covers {}\n", "", fmt::join(catalogue::all_covers(scenario), ", "));
  }
  return {};
}

}  // namespace conntruth::app
