#include "controller/bundle/sink.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "controller/bundle/tar.hpp"

namespace conntruth::bundle {

namespace {

namespace fs = std::filesystem;

std::unexpected<Error> failed(std::string_view what, const fs::path& path, int number) {
  auto error = fail_errno(fmt::format("{} {}", what, path.string()), number);
  if (number == ENOSPC || number == EDQUOT) {
    error.error().code = ErrorCode::kResource;
    error.error().message += "; free space there, or name a place on another disk with -o";
  }
  if (number == EACCES || number == EPERM || number == EROFS) {
    error.error().code = ErrorCode::kPermission;
    error.error().message += "; name a place of yours with -o";
  }
  return error;
}

class File {
 public:
  [[nodiscard]] static Result<File> create(const fs::path& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return failed("make the file", path, errno);
    return File(fd, path);
  }
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  File& operator=(File&&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] Status write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed("write", path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  // Some file systems say only now that there is no room.
  [[nodiscard]] Status close() {
    if (::close(std::exchange(fd_, -1)) != 0) return failed("write", path_, errno);
    return {};
  }

 private:
  File(int fd, fs::path path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  fs::path path_;
};

// What is being made beside its target; gone again unless it gets there.
class Draft {
 public:
  // Of a draft that was made: it is gone again unless it is put in place.
  explicit Draft(fs::path target) : target_(std::move(target)), path_(path_of(target_)) {}
  [[nodiscard]] static fs::path path_of(const fs::path& target) { return target.string() + ".part"; }
  Draft(Draft&& other) noexcept : target_(std::move(other.target_)), path_(std::exchange(other.path_, fs::path())) {}
  Draft& operator=(Draft&&) = delete;
  ~Draft() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] Status put_in_place() {
    std::error_code error;
    if (fs::exists(fs::symlink_status(target_, error))) return there(target_);
    fs::rename(path_, target_, error);
    if (error) return failed("name the bundle", target_, error.value());
    path_.clear();
    return {};
  }
  [[nodiscard]] static std::unexpected<Error> there(const fs::path& target) {
    return fail(ErrorCode::kConflict,
                fmt::format("{} is there already; name another place with -o, or remove it", target.string()));
  }

 private:
  fs::path target_;
  fs::path path_;
};

class FolderSink final : public Sink {
 public:
  explicit FolderSink(Draft draft) : draft_(std::move(draft)) {}
  [[nodiscard]] Status add(std::string_view path, std::string_view bytes) override {
    const auto whole = draft_.path() / path;
    std::error_code error;
    fs::create_directories(whole.parent_path(), error);
    if (error) return failed("make the folder", whole.parent_path(), error.value());
    auto file = File::create(whole);
    if (!file) return std::unexpected(file.error());
    if (auto written = file->write(bytes); !written) return written;
    return file->close();
  }
  [[nodiscard]] Status finish() override { return draft_.put_in_place(); }

 private:
  Draft draft_;
};

class TarSink final : public Sink {
 public:
  TarSink(std::string folder, std::int64_t unix_s, WriteBytes write)
      : folder_(std::move(folder)), unix_s_(unix_s), write_(std::move(write)) {}
  [[nodiscard]] Status add(std::string_view path, std::string_view bytes) override {
    const auto name = fmt::format("{}/{}", folder_, path);
    if (name.size() > kMostTarName)
      return fail(ErrorCode::kInvalidInput, name + ": longer than a tar archive can name a file");
    if (auto written = write_(tar_header(name, bytes.size(), unix_s_)); !written) return written;
    if (auto written = write_(bytes); !written) return written;
    return write_(tar_padding(bytes.size()));
  }
  [[nodiscard]] Status finish() override { return write_(tar_end()); }

 private:
  const std::string folder_;
  const std::int64_t unix_s_;
  const WriteBytes write_;
};

class TarFileSink final : public Sink {
 public:
  TarFileSink(Draft draft, File file, std::string folder, std::int64_t unix_s)
      : draft_(std::move(draft)),
        file_(std::move(file)),
        tar_(std::move(folder), unix_s, [this](std::string_view bytes) { return file_.write(bytes); }) {}
  [[nodiscard]] Status add(std::string_view path, std::string_view bytes) override { return tar_.add(path, bytes); }
  [[nodiscard]] Status finish() override {
    if (auto ended = tar_.finish(); !ended) return ended;
    if (auto closed = file_.close(); !closed) return closed;
    return draft_.put_in_place();
  }

 private:
  Draft draft_;
  File file_;
  TarSink tar_;
};

}  // namespace

std::unique_ptr<Sink> tar_sink(std::string folder, std::int64_t unix_s, WriteBytes write) {
  return std::make_unique<TarSink>(std::move(folder), unix_s, std::move(write));
}

namespace {

// Neither the target nor a draft of it is there: somebody may still be at that one.
Status is_free(const fs::path& target) {
  std::error_code error;
  for (const auto& each : {target, Draft::path_of(target)}) {
    if (fs::exists(fs::symlink_status(each, error))) return Draft::there(each);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Sink>> open_sink(const std::string& target, std::int64_t unix_s) {
  auto path = fs::path(target);
  if (!path.has_filename()) path = path.parent_path();  // "DIR/"
  if (auto free = is_free(path); !free) return std::unexpected(free.error());
  const auto made = Draft::path_of(path);
  if (path.extension() != ".tar") {
    std::error_code error;
    if (!fs::create_directory(made, error)) return failed("make the folder", made, error ? error.value() : EEXIST);
    return std::make_unique<FolderSink>(Draft(path));
  }
  auto file = File::create(made);
  if (!file) return std::unexpected(file.error());
  Draft draft(path);
  const auto folder = path.stem().string().substr(0, kMostTarName - kMostPath - 1);
  return std::make_unique<TarFileSink>(std::move(draft), std::move(*file), folder, unix_s);
}

Status write_new_file(const std::string& path, std::string_view bytes) {
  if (auto free = is_free(path); !free) return free;
  auto file = File::create(Draft::path_of(path));
  if (!file) return std::unexpected(file.error());
  Draft draft(path);
  if (auto written = file->write(bytes); !written) return written;
  if (auto closed = file->close(); !closed) return closed;
  return draft.put_in_place();
}

}  // namespace conntruth::bundle
