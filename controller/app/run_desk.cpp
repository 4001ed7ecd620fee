#include "controller/app/run_desk.hpp"

#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "controller/app/bundle_command.hpp"
#include "controller/app/recompute.hpp"
#include "controller/app/run_command.hpp"
#include "controller/app/run_session.hpp"

namespace conntruth::app {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kKeptLogs = 8;

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

class EventProgress final : public Progress {
 public:
  explicit EventProgress(http::EventLog& log) : log_(log) {}

  void step(std::string_view name, std::uint64_t total) override {
    total_ = total;
    percent_ = 0;
    log_.append("step", text_of({{"name", name}, {"total", total}}));
  }
  void done(std::uint64_t units) override {
    const auto percent = total_ == 0 ? 0 : units * 100 / total_;
    if (percent == percent_) return;
    percent_ = percent;
    log_.replace_last("progress", text_of({{"done", units}}));
  }
  void note(std::string_view line) override { log_.append("note", text_of({{"line", line}})); }
  void finish() override {}

 private:
  http::EventLog& log_;
  std::uint64_t total_ = 0;
  std::uint64_t percent_ = 0;
};

Result<OutputFormat> format_of(const std::string& word) {
  if (word == "json") return OutputFormat::kJson;
  if (word == "yaml") return OutputFormat::kYaml;
  if (word == "table") return OutputFormat::kTable;
  if (word == "wide") return OutputFormat::kWide;
  return fail(ErrorCode::kInvalidInput, fmt::format("format \"{}\" is none of json, yaml, table, wide", word));
}

std::string end_of(const Result<report::Report>& report) {
  if (!report) return text_of({{"error", report.error().message}, {"code", to_string(report.error().code)}});
  return text_of({{"exitCode", report->exit_code()}});
}

}  // namespace

RunDesk::RunDesk(store::RunStore runs, std::size_t keep, Work work)
    : runs_(std::move(runs)), keep_(keep), work_(std::move(work)) {}

RunDesk::~RunDesk() {
  interrupted_ = true;
  if (thread_.joinable()) thread_.join();
}

Result<std::string> RunDesk::start(const std::string& options) {
  auto request = request_from_json(options);
  if (!request) return std::unexpected(request.error());
  const std::lock_guard lock(mutex_);
  if (!current_.empty())
    return fail(ErrorCode::kConflict, fmt::format("run {} is going on; wait for it, or end it with `conntruth run "
                                                  "--cancel {}`",
                                                  current_, current_));
  if (interrupted_ && !thread_.joinable()) return fail(ErrorCode::kUnavailable, "the controller is about to end");
  if (thread_.joinable()) thread_.join();  // it has said that it is through
  prune();
  const auto id = new_run_id();
  auto log = std::make_shared<http::EventLog>();
  logs_.insert_or_assign(id, log);
  while (logs_.size() > kKeptLogs) logs_.erase(logs_.begin());
  current_ = id;
  interrupted_ = false;
  thread_ = std::thread([this, request = std::move(*request), id, log] { carry_out(request, id, *log); });
  return id;
}

void RunDesk::carry_out(const RunRequest& request, const std::string& id, http::EventLog& log) {
  fmt::print(stderr, "conntruth: run {} begins\n", id);
  EventProgress progress(log);
  const auto report = work_(request, id, progress, interrupted_);
  const auto end = end_of(report);
  fmt::print(stderr, "conntruth: run {} has ended: {}\n", id, end);
  {
    const std::lock_guard lock(mutex_);
    current_.clear();
  }
  log.append("end", end);
  log.close();
}

void RunDesk::prune() const {
  const auto all = runs_.list();
  if (!all || all->size() < keep_) return;
  for (std::size_t i = 0; i + keep_ <= all->size(); ++i) {
    if (const auto gone = runs_.remove((*all)[i].id); !gone)
      fmt::print(stderr, "conntruth: {}\n", gone.error().message);
  }
}

Result<std::string> RunDesk::list() {
  const auto all = runs_.list();
  if (!all) return std::unexpected(all.error());
  Json json = Json::array();
  for (const auto& run : *all)
    json.push_back({{"id", run.id}, {"state", to_string(run.state)}, {"reason", run.reason}, {"bytes", run.bytes}});
  return text_of(json) + "\n";
}

Result<std::shared_ptr<const http::EventLog>> RunDesk::events(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = logs_.find(id); found != logs_.end()) return found->second;
  }
  auto reader = runs_.open(id);
  if (!reader) return std::unexpected(reader.error());
  // Above all that a client may have heard of in that life.
  constexpr std::uint64_t kBeyond = std::uint64_t{1} << 32U;
  auto log = std::make_shared<http::EventLog>(kBeyond);
  if (reader->info().state == store::RunState::kComplete || reader->info().state == store::RunState::kPartial) {
    log->append("end", end_of(recompute(*reader)));
  } else {
    log->append("end", text_of({{"error", "the controller was started anew in the middle of run " + id}}));
  }
  log->close();
  return log;
}

Result<report::Report> RunDesk::finished(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (id == current_) return fail(ErrorCode::kConflict, "run " + id + " is going on; its report comes at its end");
  }
  auto reader = runs_.open(id);
  if (!reader) return std::unexpected(reader.error());
  return recompute(*reader);
}

Result<std::string> RunDesk::report(const std::string& id, const std::string& format, bool colour) {
  const auto wanted = format_of(format);
  if (!wanted) return std::unexpected(wanted.error());
  const auto report = finished(id);
  if (!report) return std::unexpected(report.error());
  return render(*report, *wanted, colour);
}

Result<std::string> RunDesk::explain(const std::string& id, const std::string& cell) {
  const auto report = finished(id);
  if (!report) return std::unexpected(report.error());
  return report::explain(*report, cell);
}

Result<std::string> RunDesk::bundle(const std::string& id, const std::string& cells) {
  {
    const std::lock_guard lock(mutex_);
    if (id == current_) return fail(ErrorCode::kConflict, "run " + id + " is going on; its evidence comes at its end");
  }
  std::vector<std::string> globs;
  std::istringstream list(cells);
  for (std::string glob; std::getline(list, glob, ',');) globs.push_back(glob);
  return bundle_to_bytes(runs_, id, globs);
}

Status RunDesk::cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (id == current_) {
    interrupted_ = true;
    return {};
  }
  if (logs_.contains(id) || runs_.open(id)) return {};  // it has ended already
  return fail(ErrorCode::kNotFound, "there is no run " + id);
}

}  // namespace conntruth::app
