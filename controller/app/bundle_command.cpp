#include "controller/app/bundle_command.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "controller/app/recompute.hpp"
#include "controller/app/remote_commands.hpp"
#include "controller/app/run_inputs.hpp"
#include "controller/app/view_commands.hpp"
#include "controller/store/run_store.hpp"

namespace conntruth::app {

namespace {

std::int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string target_of(const BundleRequest& request, const std::string& run) {
  return request.target.empty() ? fmt::format("conntruth-{}.tar", run) : request.target;
}

void say_nothing_failed(const std::string& run) {
  fmt::print("run {}: no cell failed, so there is nothing to bundle; --cell names others\n", run);
}

Result<plan::Plan> plan_of(const store::RunStore& runs, const std::string& run) {
  const auto reader = runs.open(run);
  if (!reader) return std::unexpected(reader.error());
  const auto inputs = read_inputs(*reader);
  if (!inputs) return std::unexpected(inputs.error().in("run " + run));
  return make_plan(*inputs);
}

// Opens the sink only once it is known that there is something to write.
using OpenSink = std::function<Result<std::unique_ptr<bundle::Sink>>()>;
Result<bundle::Written> write(const store::RunStore& runs, const report::Report& report,
                              const std::vector<std::string>& globs, const OpenSink& open) {
  const auto cells = bundle::choose_cells(report, globs);
  if (!cells) return std::unexpected(cells.error());
  if (cells->empty()) return bundle::Written{};
  const auto plan = plan_of(runs, report.run.id);
  if (!plan) return std::unexpected(plan.error());
  auto sink = open();
  if (!sink) return std::unexpected(sink.error());
  return bundle::write_bundle(runs, report, *plan, *cells, **sink);
}

}  // namespace

CLI::App* add_bundle_flags(CLI::App& app, BundleRequest& request) {
  auto* command = app.add_subcommand("bundle", "pack the evidence of a run's red cells into files for somebody else");
  command->add_option("RUN", request.run, "run id; without it the newest");
  command->add_option("--cell", request.cells, "of these cells, * and ? allowed; without it of all that failed")
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("-o,--output", request.target,
                      "FILE.tar, or else a folder, that is not there yet; without it conntruth-RUN.tar");
  command->footer(
      "In it, with a README.txt: what was expected and observed, cause, walk, rules and connection tracking of each "
      "cell,\n"
      "its probes, packets for tcpdump and Wireshark, the nodes' rulesets, and the world at that step.\n"
      "Exit codes: 0 written, or no cell failed; 1 error.\n\nExamples:\n"
      "  conntruth bundle                                     of the newest run\n"
      "  conntruth bundle 20260102T030405.678Z -o evidence    a folder\n"
      "  conntruth bundle --cell 'clusterip/*/udp/*' -o udp.tar\n"
      "  kubectl conntruth bundle -o cluster.tar");
  return command;
}

Status bundle_here(const BundleRequest& request) {
  const auto report = load_report(request.run);
  if (!report) return std::unexpected(report.error());
  const auto target = target_of(request, report->run.id);
  const auto written =
      write(store::RunStore(), *report, request.cells, [&] { return bundle::open_sink(target, now_s()); });
  if (!written) return std::unexpected(written.error());
  if (written->cells == 0) {
    say_nothing_failed(report->run.id);
    return {};
  }
  fmt::print("{}: {} cells of run {}, {} files; README.txt says what they are\n", target, written->cells,
             report->run.id, written->files);
  if (!written->missing.empty())
    fmt::print("{} lines at its end tell what is missing or was lost, the first: {}\n", written->missing.size(),
               written->missing.front());
  return {};
}

Result<std::string> bundle_to_bytes(const store::RunStore& runs, const std::string& run,
                                    const std::vector<std::string>& cells) {
  auto reader = runs.open(run);
  if (!reader) return std::unexpected(reader.error());
  const auto report = recompute(*reader);
  if (!report) return std::unexpected(report.error());
  std::string bytes;
  const auto append = [&bytes](std::string_view more) -> Status {
    if (bytes.size() + more.size() > kMostServed)
      return fail(ErrorCode::kResource, "the bundle would be longer than 128 MiB; name fewer cells with --cell");
    bytes += more;
    return {};
  };
  const auto written = write(runs, *report, cells, [&]() -> Result<std::unique_ptr<bundle::Sink>> {
    return bundle::tar_sink("conntruth-" + run, now_s(), append);
  });
  if (!written) return std::unexpected(written.error());
  return bytes;
}

Status bundle_remotely(const ClusterTarget& target, const BundleRequest& request) {
  const auto read = read_remote_bundle(target, request.run, fmt::format("{}", fmt::join(request.cells, ",")));
  if (!read) return std::unexpected(read.error());
  const auto& [run, bytes] = *read;
  if (bytes.empty()) {
    say_nothing_failed(run);
    return {};
  }
  const auto file = target_of(request, run);
  if (!file.ends_with(".tar"))
    return fail(ErrorCode::kInvalidInput, "-o: of a cluster's run there is an archive only; name a FILE.tar");
  if (auto written = bundle::write_new_file(file, bytes); !written) return written;
  fmt::print("{}: the bundle of run {}; README.txt in it says what is there and what is missing\n", file, run);
  return {};
}

}  // namespace conntruth::app
