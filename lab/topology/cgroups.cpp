#include "lab/topology/cgroups.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

namespace conntruth::lab {

namespace {

namespace files = std::filesystem;

std::vector<std::string> folders_in(const std::string& path) {
  std::vector<std::string> folders;
  std::error_code error;
  for (files::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) folders.push_back(entry->path().string());
  }
  return folders;
}

// The files in a cgroup are the kernel's; only folders have to go, the lowest first.
Status remove_tree(const std::string& path) {
  for (const auto& below : folders_in(path)) {
    if (auto removed = remove_tree(below); !removed) return removed;
  }
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
  if (errno == EBUSY) return fail(ErrorCode::kUnavailable, fmt::format("cgroup {} still has processes", path));
  return fail_errno("rmdir " + path, errno);
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
    if (auto removed = remove_tree(path); !removed) result = removed;
  }
  return result;
}

}  // namespace conntruth::lab
