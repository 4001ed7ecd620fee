#include "controller/store/run_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "controller/store/run_state.hpp"
#include "controller/store/state_file.hpp"

namespace conntruth::store {

namespace {

constexpr std::size_t kNamedInErrors = 5;

Status make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return {};
  auto failed = fail_errno("make the folder " + path.string(), error.value());
  failed.error().message += "; run as root, or set CONNTRUTH_STATE_DIR to a folder of yours";
  return failed;
}

}  // namespace

std::filesystem::path default_directory() {
  const char* chosen = std::getenv("CONNTRUTH_STATE_DIR");
  return std::filesystem::path(chosen != nullptr && *chosen != '\0' ? chosen : "/var/lib/conntruth") / "runs";
}

std::string make_run_id(std::int64_t unix_milliseconds) {
  const std::time_t seconds = unix_milliseconds / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, unix_milliseconds % 1000);
}

std::string_view to_string(RunState state) {
  switch (state) {
    case RunState::kRunning:
      return "running";
    case RunState::kComplete:
      return "complete";
    case RunState::kPartial:
      return "partial";
    case RunState::kAbandoned:
      return "abandoned";
  }
  return "?";
}

bool is_plain_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name != "." && name != ".." && std::ranges::all_of(name, plain);
}

RunInfo look_at(const std::filesystem::path& run) {
  RunInfo info;
  info.id = run.filename().string();
  auto word = read_state(run);
  info.state = word.state;
  info.reason = std::move(word.reason);
  std::error_code error;
  const auto bytes = std::filesystem::file_size(run / "samples.seg", error);
  info.bytes = error ? 0 : bytes;
  info.has_report = std::filesystem::exists(run / "report.json", error);
  return info;
}

Result<RunWriter> RunStore::create(const std::string& id) const {
  if (!is_plain_name(id)) return fail(ErrorCode::kInvalidInput, "\"" + id + "\" is no run id");
  if (auto made = make_folder(directory_); !made) return std::unexpected(made.error());
  const auto run = directory_ / id;
  std::error_code error;
  if (!std::filesystem::create_directory(run, error)) {
    if (error) return fail_errno("make the folder " + run.string(), error.value());
    return fail(ErrorCode::kConflict, "run " + id + " exists already");
  }
  if (auto made = make_folder(run / "inputs"); !made) return std::unexpected(made.error());
  if (auto state = create_state(run); !state) return std::unexpected(state.error());
  auto samples = SegmentWriter::create(run / "samples.seg");
  if (!samples) return std::unexpected(samples.error());
  return RunWriter(std::unique_ptr<RunWriter::State>(
      new RunWriter::State{.id = id, .directory = run, .samples = std::move(*samples), .first_error = {}}));
}

Result<RunReader> RunStore::open(const std::string& id) const {
  std::error_code error;
  if (!is_plain_name(id) || !std::filesystem::is_directory(directory_ / id, error)) {
    std::vector<std::string> newest;
    if (const auto runs = list()) {
      for (auto run = runs->rbegin(); run != runs->rend() && newest.size() < kNamedInErrors; ++run)
        newest.push_back(run->id);
    }
    return fail(ErrorCode::kNotFound,
                fmt::format("no run \"{}\" in {}; the newest are: {}", id, directory_.string(),
                            newest.empty() ? "none" : fmt::format("{}", fmt::join(newest, ", "))));
  }
  auto state = std::make_unique<RunReader::State>();
  state->directory = directory_ / id;
  state->info = look_at(state->directory);
  return RunReader(std::move(state));
}

Status RunStore::write_report(const std::string& id, std::string_view json) const {
  if (auto run = open(id); !run) return std::unexpected(run.error());
  return replace_file(directory_ / id / "report.json", json);
}

Result<std::vector<RunInfo>> RunStore::list() const {
  std::vector<RunInfo> runs;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory_, error);
  if (error == std::errc::no_such_file_or_directory) return runs;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code not_there;
    if (entry->is_directory(not_there)) runs.push_back(look_at(entry->path()));
  }
  if (error) return fail_errno("list " + directory_.string(), error.value());
  std::ranges::sort(runs, {}, &RunInfo::id);
  return runs;
}

Status RunStore::remove(const std::string& id) const {
  const auto run = open(id);
  if (!run) return std::unexpected(run.error());
  if (run->info().state == RunState::kRunning) {
    return fail(ErrorCode::kConflict, "run " + id + " is still running; end it first");
  }
  std::error_code error;
  std::filesystem::remove_all(directory_ / id, error);
  if (error) return fail_errno("remove " + (directory_ / id).string(), error.value());
  return {};
}

}  // namespace conntruth::store
