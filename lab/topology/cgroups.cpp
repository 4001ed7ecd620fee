#include "lab/topology/cgroups.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <vector>

namespace conntruth::lab {

namespace {

namespace files = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{5};  // with processes that were killed already

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> folders;
  std::error_code error;
  for (files::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) folders.push_back(entry->path().string());
  }
  return folders;
}

// Returns when one of a cgroup's processes has ended, or the cgroup has changed, or the time has passed.
void wait_for_end(const std::string& path, Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  std::vector<pollfd> ends;
  std::ifstream processes(path + "/cgroup.procs");
  for (pid_t pid = 0; processes >> pid;) {
    const int end = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (end < 0) continue;
    ends.push_back({end, POLLIN, 0});
  }
  // v2 alone has this file; one without processes may still be told that its last one has gone.
  if (const int events = ::open((path + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC); events >= 0) {
    ends.push_back({events, POLLPRI, 0});
  }
  constexpr int kLookAgain = 100;  // milliseconds: what ended while we looked raises no event
  ::poll(ends.data(), ends.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, kLookAgain)));
  for (const auto& end : ends) ::close(end.fd);
}

// The files in a cgroup are the kernel's; only folders have to go, the lowest first. Processes that were killed take a
// moment to leave theirs.
Status remove_tree(const std::string& path, Clock::time_point deadline) {
  for (const auto& below : folders_in(path)) {
    if (auto removed = remove_tree(below, deadline); !removed) return removed;
  }
  while (::rmdir(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    if (errno != EBUSY) return fail_errno("rmdir " + path, errno);
    if (Clock::now() >= deadline) {
      return fail(ErrorCode::kUnavailable, fmt::format("cgroup {} still has processes", path));
    }
    wait_for_end(path, deadline);
  }
  return {};
}

}  // namespace

std::string cgroup_of(const std::string& lab) { return "/conntruth-lab." + lab; }

Status remove_cgroups(const std::string& lab, const std::string& file_system) {
  auto hierarchies = folders_in(file_system);  // v1: one folder each
  hierarchies.push_back(file_system);          // v2: itself
  Status result;
  for (const auto& hierarchy : hierarchies) {
    const auto path = hierarchy + cgroup_of(lab);
    if (::access(path.c_str(), F_OK) != 0) continue;
    if (auto removed = remove_tree(path, Clock::now() + kPatience); !removed) result = removed;
  }
  return result;
}

}  // namespace conntruth::lab
