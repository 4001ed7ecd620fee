#include "agent/cluster/health.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace conntruth::agent {

Status Health::write(bool ready, const std::string& state) const {
  const auto unfinished = path_ + ".new";
  std::ofstream file(unfinished, std::ios::trunc);
  file << (ready ? "ready: " : "not ready: ") << state << '\n';
  file.close();
  if (!file || std::rename(unfinished.c_str(), path_.c_str()) != 0) {
    return fail_errno("write " + path_ + " (--state names the folder; it has to be writable)", errno);
  }
  return {};
}

Result<std::string> check_health(const std::string& directory, bool ready) {
  const auto path = directory + "/health";
  std::error_code error;
  const auto written = std::filesystem::last_write_time(path, error);
  std::ifstream file(path);
  std::string state;
  if (error || !std::getline(file, state)) {
    return fail(ErrorCode::kUnavailable, "no agent has written " + path + " yet");
  }
  const auto age = std::filesystem::file_time_type::clock::now() - written;
  if (age > kHealthStale) {
    return fail(ErrorCode::kUnavailable, fmt::format("the agent hangs: {} was last written {} s ago", path,
                                                     std::chrono::duration_cast<std::chrono::seconds>(age).count()));
  }
  if (ready && !state.starts_with("ready: ")) return fail(ErrorCode::kUnavailable, state);
  return state;
}

}  // namespace conntruth::agent
