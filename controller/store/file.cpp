#include "controller/store/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace conntruth::store {

namespace {

std::unexpected<Error> failed(std::string_view what, const std::filesystem::path& path, int number) {
  auto error = fail_errno(std::string(what) + " " + path.string(), number);
  if (number == ENOSPC || number == EDQUOT) {
    error.error().code = ErrorCode::kResource;
    error.error().message += "; free space there, or set CONNTRUTH_STATE_DIR to a folder on another disk";
  }
  if (number == EACCES || number == EPERM || number == EROFS) {
    error.error().code = ErrorCode::kPermission;
    error.error().message += "; run as root, or set CONNTRUTH_STATE_DIR to a folder of yours";
  }
  return error;
}

}  // namespace

File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

Result<File> File::open(const std::filesystem::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
  if (fd < 0) return failed("open", path, errno);
  return File(fd, path);
}

Result<File> File::create(const std::filesystem::path& path) { return open(path, O_RDWR | O_CREAT | O_EXCL); }
Result<File> File::open_to_read(const std::filesystem::path& path) { return open(path, O_RDONLY); }
Result<File> File::open_to_write(const std::filesystem::path& path) { return open(path, O_RDWR); }

Result<std::uint64_t> File::size() const {
  struct stat info{};
  if (fstat(fd_, &info) != 0) return failed("look at", path_, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Status File::write_at(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failed("write", path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<std::string> File::read_at(std::uint64_t offset, std::size_t length) const {
  std::string bytes(length, '\0');
  std::size_t done = 0;
  while (done < length) {
    const auto got = pread(fd_, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Status File::truncate(std::uint64_t size) {
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return failed("truncate", path_, errno);
  return {};
}

Status File::sync() {
  if (fdatasync(fd_) != 0) return failed("sync", path_, errno);
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path) {
  auto file = File::open_to_read(path);
  if (!file) return std::unexpected(file.error());
  const auto size = file->size();
  if (!size) return std::unexpected(size.error());
  return file->read_at(0, static_cast<std::size_t>(*size));
}

Status replace_file(const std::filesystem::path& path, std::string_view bytes) {
  auto beside = path;
  beside += ".new";
  std::error_code ignored;
  std::filesystem::remove(beside, ignored);  // left by a crash
  auto file = File::create(beside);
  if (!file) return std::unexpected(file.error());
  auto written = file->write_at(0, bytes);
  if (written) written = file->sync();
  if (written && rename(beside.c_str(), path.c_str()) != 0) written = failed("write", path, errno);
  if (!written) std::filesystem::remove(beside, ignored);
  return written;
}

}  // namespace conntruth::store
