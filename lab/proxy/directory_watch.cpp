#include "lab/proxy/directory_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace conntruth::lab_proxy {

Result<DirectoryWatch> DirectoryWatch::open(const std::string& path_of_file) {
  const std::filesystem::path path(path_of_file);
  const auto directory = path.has_parent_path() ? path.parent_path().string() : std::string(".");
  const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return fail_errno("open inotify", errno);
  DirectoryWatch watch(fd, path.filename().string());
  if (inotify_add_watch(fd, directory.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) < 0) {
    if (errno == ENOENT) return fail(ErrorCode::kNotFound, "there is no directory " + directory + " to watch");
    return fail_errno("watch " + directory, errno);
  }
  return watch;
}

DirectoryWatch::DirectoryWatch(DirectoryWatch&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), file_(std::move(other.file_)) {}

DirectoryWatch::~DirectoryWatch() {
  if (fd_ >= 0) close(fd_);
}

bool DirectoryWatch::drain() {
  bool ours = false;
  alignas(inotify_event) std::array<char, 8192> buffer{};
  for (;;) {
    const auto size = read(fd_, buffer.data(), buffer.size());
    if (size <= 0) return ours;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      if ((event.mask & IN_Q_OVERFLOW) != 0) ours = true;
      if (event.len > 0 && file_ == buffer.data() + at + sizeof event) ours = true;
      at += sizeof event + event.len;
    }
  }
}

}  // namespace conntruth::lab_proxy
