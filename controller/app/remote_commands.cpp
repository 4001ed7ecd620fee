#include "controller/app/remote_commands.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "controller/app/interrupt.hpp"
#include "controller/app/progress.hpp"
#include "controller/report/table.hpp"

namespace conntruth::app {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::milliseconds kTick{200};

// Ends the run there once this process is interrupted. The client may be used from both threads.
class Canceller {
 public:
  Canceller(RemoteController& remote, const std::string& id, const std::atomic<bool>& interrupted)
      : thread_([this, &remote, id, &interrupted] {
          std::unique_lock lock(mutex_);
          while (!over_.wait_for(lock, kTick, [this] { return stop_; })) {
            if (!interrupted) continue;
            fmt::print(stderr, "conntruth: ending run {}; once more ends waiting for it\n", id);
            if (const auto done = remote.cancel(id); !done)
              fmt::print(stderr, "conntruth: the run goes on: {}\n", done.error().message);
            return;
          }
        }) {}
  ~Canceller() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    over_.notify_all();
    thread_.join();
  }
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool stop_ = false;
  std::thread thread_;
};

void show_event(const EventStreamReader::Event& event, Progress& progress) {
  const auto json = Json::parse(event.data, nullptr, false);
  if (!json.is_object()) return;
  if (event.type == "step") progress.step(json.value("name", ""), json.value("total", std::uint64_t{0}));
  if (event.type == "progress") progress.done(json.value("done", std::uint64_t{0}));
  if (event.type == "note") progress.note(json.value("line", ""));
}

std::string word_of(OutputFormat format) {
  switch (format) {
    case OutputFormat::kJson:
      return "json";
    case OutputFormat::kYaml:
      return "yaml";
    case OutputFormat::kWide:
      return "wide";
    case OutputFormat::kTable:
      return "table";
  }
  return "table";
}

Status print_remote_report(RemoteController& remote, const std::string& id, OutputFormat format) {
  const bool colour = report::wants_colour(isatty(STDOUT_FILENO) == 1, std::getenv("NO_COLOR"));
  const auto text = remote.read("/" + id + "/report", {{"format", word_of(format)}, {"colour", colour ? "1" : "0"}});
  if (!text) return std::unexpected(text.error());
  fmt::print("{}", *text);
  return {};
}

Result<int> exit_code_of(const std::string& end) {
  const auto json = Json::parse(end, nullptr, false);
  if (!json.is_object()) return fail(ErrorCode::kUnavailable, "the end of the run cannot be read");
  if (json.contains("error")) return fail(ErrorCode::kUnavailable, json["error"].get<std::string>());
  return json.value("exitCode", 1);
}

Result<Json> runs_of(RemoteController& remote) {
  const auto text = remote.read("", {});
  if (!text) return std::unexpected(text.error());
  auto json = Json::parse(*text, nullptr, false);
  if (!json.is_array()) return fail(ErrorCode::kUnavailable, "the controller's list of runs cannot be read");
  return json;
}

Result<std::string> run_or_newest(RemoteController& remote, const std::string& run) {
  if (!run.empty()) return run;
  const auto runs = runs_of(remote);
  if (!runs) return std::unexpected(runs.error());
  if (runs->empty()) return fail(ErrorCode::kNotFound, "the controller has no run yet; `run` makes one");
  return runs->back().value("id", "");
}

// What `run` said at its end is what its events say at their end, now too.
Result<int> code_of_run(RemoteController& remote, const std::string& id) {
  const auto end = remote.follow(id, [](const auto&) {});
  if (!end) return std::unexpected(end.error());
  return exit_code_of(*end);
}

}  // namespace

Result<int> run_remotely(const ClusterTarget& target, const RunRequest& request, OutputFormat format) {
  const auto options = request_to_json(request);
  if (!options) return std::unexpected(options.error());
  const InterruptGuard guard(InterruptGuard::Second::kEndsProcess);  // the run there does not depend on us
  auto remote = RemoteController::connect(target);
  if (!remote) return std::unexpected(remote.error());
  const auto id = remote->start(*options);
  if (!id) return std::unexpected(id.error());
  TerminalProgress progress(request.quiet);
  progress.note("run " + *id);
  const auto end = [&] {
    const Canceller canceller(*remote, *id, guard.flag());
    return remote->follow(*id, [&](const auto& event) { show_event(event, progress); });
  }();
  progress.finish();
  if (!end) return std::unexpected(end.error());
  auto code = exit_code_of(*end);
  if (!code) return code;
  if (auto printed = print_remote_report(*remote, *id, format); !printed) return std::unexpected(printed.error());
  return code;
}

Status cancel_remotely(const ClusterTarget& target, const std::string& run) {
  auto remote = RemoteController::connect(target);
  if (!remote) return std::unexpected(remote.error());
  return remote->cancel(run);
}

Result<int> show_remote_run(const ClusterTarget& target, const std::string& run, OutputFormat format) {
  auto remote = RemoteController::connect(target);
  if (!remote) return std::unexpected(remote.error());
  const auto id = run_or_newest(*remote, run);
  if (!id) return std::unexpected(id.error());
  if (auto printed = print_remote_report(*remote, *id, format); !printed) return std::unexpected(printed.error());
  return code_of_run(*remote, *id);
}

namespace {

// Of the whole report, which the controller gives.
Status print_remote_cell(RemoteController& remote, const std::string& run, const std::string& cell,
                         OutputFormat format) {
  const auto text = remote.read("/" + run + "/report", {{"format", "json"}});
  if (!text) return std::unexpected(text.error());
  const auto report = nlohmann::ordered_json::parse(*text, nullptr, false);
  if (!report.is_object()) return fail(ErrorCode::kInternal, "the controller's report is no JSON");
  for (const auto& each : report.value("cells", nlohmann::ordered_json::array())) {
    if (each.value("id", "") != cell) continue;
    print_document(each.dump(2), format);
    return {};
  }
  return fail(ErrorCode::kNotFound, "the run has no cell " + cell + "; `conntruth matrix -o json` lists all ids");
}

}  // namespace

Status explain_remotely(const ClusterTarget& target, const std::string& run, const std::string& cell,
                        OutputFormat format) {
  auto remote = RemoteController::connect(target);
  if (!remote) return std::unexpected(remote.error());
  const auto id = run_or_newest(*remote, run);
  if (!id) return std::unexpected(id.error());
  if (is_document(format)) return print_remote_cell(*remote, *id, cell, format);
  const auto text = remote->read("/" + *id + "/cells", {{"id", cell}});
  if (!text) return std::unexpected(text.error());
  fmt::print("{}", *text);
  return {};
}

Status list_remote_runs(const ClusterTarget& target, OutputFormat format) {
  auto remote = RemoteController::connect(target);
  if (!remote) return std::unexpected(remote.error());
  const auto runs = runs_of(*remote);
  if (!runs) return std::unexpected(runs.error());
  if (is_document(format)) {
    print_document(runs->dump(2), format);
    return {};
  }
  fmt::print("{:<22} {:<10} {:>12}  {}\n", "RUN", "STATE", "BYTES", "REASON");
  for (const auto& run : *runs) {
    fmt::print("{:<22} {:<10} {:>12}  {}\n", run.value("id", ""), run.value("state", ""),
               run.value("bytes", std::uint64_t{0}), run.value("reason", ""));
  }
  return {};
}

Result<std::pair<std::string, std::string>> read_remote_bundle(const ClusterTarget& target, const std::string& run,
                                                               const std::string& cells) {
  auto remote = RemoteController::connect(target);
  if (!remote) return std::unexpected(remote.error());
  const auto id = run_or_newest(*remote, run);
  if (!id) return std::unexpected(id.error());
  auto bytes = remote->read("/" + *id + "/bundle", {{"cells", cells}});
  if (!bytes) return std::unexpected(bytes.error());
  return std::pair(*id, std::move(*bytes));
}

Result<std::optional<RemoteRun>> newest_remote_run(const ClusterTarget& target) {
  auto remote = RemoteController::connect(target);
  if (!remote) return std::unexpected(remote.error());
  const auto runs = runs_of(*remote);
  if (!runs) return std::unexpected(runs.error());
  if (runs->empty()) return std::nullopt;
  RemoteRun run{runs->back().value("id", ""), runs->back().value("state", "")};
  if (run.state == "complete" || run.state == "partial") run.exit_code = code_of_run(*remote, run.id);
  return run;
}

}  // namespace conntruth::app
