#include "lab/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "lab/spec.hpp"
#include "lab/topology/fd.hpp"

namespace conntruth::lab {

namespace {

constexpr const char* kRunDirectory = "/run/conntruth";
constexpr const char* kLabsDirectory = "/run/conntruth/labs";

bool make_directory(const char* path) { return ::mkdir(path, 0755) == 0 || errno == EEXIST; }

}  // namespace

std::string lab_directory(const std::string& name) { return fmt::format("{}/{}", kLabsDirectory, name); }

bool has_lab_directory(const std::string& name) { return ::access(lab_directory(name).c_str(), F_OK) == 0; }

Status make_lab_directory(const std::string& name) {
  const auto directory = lab_directory(name);
  // Another lab's removal may take the parents away between two steps.
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (!make_directory(kRunDirectory)) return fail_errno(fmt::format("mkdir {}", kRunDirectory), errno);
    if (!make_directory(kLabsDirectory) && errno != ENOENT) return fail_errno("mkdir /run/conntruth/labs", errno);
    if (::mkdir(directory.c_str(), 0755) == 0) {
      for (const auto* below : {"/proxy", "/log", "/run"}) {
        if (::mkdir((directory + below).c_str(), 0755) != 0) return fail_errno("mkdir " + directory + below, errno);
      }
      return {};
    }
    if (errno != ENOENT) break;
  }
  if (errno == EEXIST) {
    return fail(ErrorCode::kConflict, fmt::format("lab {} exists; use another name or remove it with "
                                                  "`conntruth lab down {}`",
                                                  name, name));
  }
  return fail_errno("mkdir " + directory, errno);
}

void remove_lab_directory(const std::string& name) {
  std::error_code ignored;
  std::filesystem::remove_all(lab_directory(name), ignored);
  if (::rmdir(kLabsDirectory) == 0) ::rmdir(kRunDirectory);
}

std::vector<std::string> lab_directories() {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(kLabsDirectory, error), end; !error && entry != end;
       entry.increment(error)) {
    auto name = entry->path().filename().string();
    if (check_lab_name(name)) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

Result<std::string> program_beside_us(std::string_view name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto path = self.parent_path() / name;
  if (error || ::access(path.c_str(), X_OK) != 0) {
    return fail(ErrorCode::kNotFound, fmt::format("program {} is missing beside {}; build or install it", path.string(),
                                                  self.filename().string()));
  }
  return path.string();
}

Status write_whole_file(const std::string& path, const std::string& content, mode_t mode) {
  const auto temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  {
    const Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
    if (!file) return fail_errno("open " + temporary, errno);
    for (std::size_t done = 0; done < content.size();) {
      const auto written = ::write(file.get(), content.data() + done, content.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        const int number = errno;
        ::unlink(temporary.c_str());
        return fail_errno("write " + path, number);
      }
      done += static_cast<std::size_t>(written);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno("rename to " + path, errno);
  return {};
}

}  // namespace conntruth::lab
