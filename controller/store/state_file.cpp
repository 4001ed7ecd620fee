#include "controller/store/state_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "controller/store/file.hpp"

namespace conntruth::store {

namespace {

constexpr std::size_t kStateBytes = 512;

std::filesystem::path path_of(const std::filesystem::path& run) { return run / "state"; }

std::string padded(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  text.resize(kStateBytes - 1, ' ');
  return text + '\n';
}

// Clock ticks since boot at which the process started; "" where there is none. Field 22 of proc(5) stat, counted after
// the command's closing bracket because the command may hold anything.
std::string start_of(std::int64_t pid) {
  std::string text;
  // proc files have size 0, so the ordinary reader would find nothing.
  if (const auto file = File::open_to_read(fmt::format("/proc/{}/stat", pid))) {
    if (auto read = file->read_at(0, 4096)) text = std::move(*read);
  }
  const auto bracket = text.rfind(')');
  if (bracket == std::string::npos) return "";
  std::istringstream fields(text.substr(bracket + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return field;
}

}  // namespace

Status create_state(const std::filesystem::path& run) {
  auto file = File::create(path_of(run));
  if (!file) return std::unexpected(file.error());
  return file->write_at(0, padded(fmt::format("running {} {}", getpid(), start_of(getpid()))));
}

Status write_state(const std::filesystem::path& run, RunState state, std::string_view reason) {
  auto file = File::open_to_write(path_of(run));
  if (!file) return std::unexpected(file.error());
  return file->write_at(0, padded(fmt::format("{} {}", to_string(state), reason)));
}

StateWord read_state(const std::filesystem::path& run) {
  const auto text = read_file(path_of(run));
  if (!text) return {RunState::kAbandoned, "it has no readable state file"};
  std::istringstream words(*text);
  std::string word;
  words >> word;
  if (word == to_string(RunState::kRunning)) {
    std::int64_t pid = 0;
    std::string start;
    words >> pid >> start;
    if (!start.empty() && start_of(pid) == start) return {RunState::kRunning, ""};
    return {RunState::kAbandoned, fmt::format("its process {} died", pid)};
  }
  std::string reason;
  std::getline(words >> std::ws, reason);
  reason.erase(reason.find_last_not_of(' ') + 1);
  if (word == to_string(RunState::kComplete)) return {RunState::kComplete, ""};
  if (word == to_string(RunState::kPartial)) return {RunState::kPartial, reason};
  return {RunState::kAbandoned, "its state file says nothing that this version knows"};
}

}  // namespace conntruth::store
